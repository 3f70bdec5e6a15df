import koffi from 'koffi';

/**
 * C structures for foreign functions: bytes in a C compiler's order and alignment, with pointers between structures.
 */

/** What a pointer may point to; null is the null pointer. */
export type Pointee = Uint8Array | bigint | null;

/** Builds a structure, field by field. Everything it points to lives as long as it does. */
export class CStruct {
  private readonly bytes: number[] = [];
  private readonly pointees: Pointee[] = [];

  u32(...values: number[]): this {
    for (const value of values) this.append(4, BigInt(value));
    return this;
  }

  /** size_t, VkDeviceSize and handles. */
  u64(...values: (number | bigint)[]): this {
    for (const value of values) this.append(8, BigInt(value));
    return this;
  }

  pointer(to: Pointee): this {
    this.pointees.push(to);
    return this.u64(addressOf(to));
  }

  f32(value: number): this {
    return this.u32(new Uint32Array(Float32Array.of(value).buffer)[0] as number);
  }

  /** A structure within this one. */
  embed(inner: CStruct): this {
    while (this.bytes.length % 8 !== 0) this.bytes.push(0);
    this.bytes.push(...inner.bytes);
    this.pointees.push(...inner.pointees);
    return this;
  }

  /** Adds zeros, for a function to fill in. */
  room(bytes: number): this {
    for (let i = 0; i < bytes; i++) this.bytes.push(0);
    return this;
  }

  /** The structure's bytes, padded to a multiple of 8. */
  get buffer(): Uint8Array {
    const buffer = Uint8Array.from(
      Array.from({ length: Math.ceil(this.bytes.length / 8) * 8 }, (_, i) => this.bytes[i] ?? 0),
    );
    kept.set(buffer, this.pointees);
    return buffer;
  }

  private append(size: 4 | 8, value: bigint): void {
    while (this.bytes.length % size !== 0) this.bytes.push(0);
    for (let i = 0; i < size; i++) this.bytes.push(Number((value >> BigInt(8 * i)) & 0xffn));
  }
}

/** Keeps the targets of a structure's pointers alive as long as the structure. */
const kept = new WeakMap<Uint8Array, Pointee[]>();

export function addressOf(to: Pointee): bigint {
  if (to === null) return 0n;
  return typeof to === 'bigint' ? to : BigInt(koffi.address(to));
}

/** Concatenates structures of one kind, as a C array. */
export function cArray(structs: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(structs.reduce((sum, s) => sum + s.length, 0));
  let at = 0;
  for (const s of structs) {
    all.set(s, at);
    at += s.length;
  }
  kept.set(all, [...structs]);
  return all;
}

/** A C string, with a terminating zero. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** The string that begins at `offset` and ends before the next zero. */
export function stringAt(bytes: Uint8Array, offset: number): string {
  const end = bytes.indexOf(0, offset);
  return new TextDecoder().decode(bytes.subarray(offset, end < 0 ? bytes.length : end));
}

export const u32At = (bytes: Uint8Array, offset: number): number => view(bytes).getUint32(offset, true);
export const u64At = (bytes: Uint8Array, offset: number): bigint => view(bytes).getBigUint64(offset, true);

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
