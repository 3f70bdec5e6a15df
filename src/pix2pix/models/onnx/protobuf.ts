/**
 * Writes the part of protobuf's wire format that ONNX needs (https://protobuf.dev/programming-guides/encoding/). By
 * hand, because models are only written here: this needs varints, floats and length-prefixed fields. A package would
 * make two more copies of all weights and need as much code around it.
 */

/** Longer byte arrays are kept as views; shorter ones are copied together. */
const GATHERED = 4096;

const VARINT = 0;
const WITH_LENGTH = 2;
const FIXED_32 = 5;

/** One message, written field by field. The order matters only among repeated fields. */
export class Message {
  /** Bytes so far. */
  length = 0;
  private readonly pieces: Uint8Array[] = [];
  private small: number[] = [];

  /** An integer: int32, int64 or an enumeration. Negative ones take ten bytes, as the format demands. */
  int(field: number, value: number): this {
    return this.key(field, VARINT).varint(value);
  }

  float(field: number, value: number): this {
    return this.key(field, FIXED_32).append(new Uint8Array(Float32Array.of(value).buffer));
  }

  /** A string as UTF-8, or bytes, which must not change until the message has been written. */
  bytes(field: number, value: string | Uint8Array): this {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    return this.key(field, WITH_LENGTH).varint(bytes.length).append(bytes);
  }

  message(field: number, { length, pieces, small }: Message): this {
    this.key(field, WITH_LENGTH).varint(length);
    for (const piece of pieces) this.append(piece);
    return this.append(Uint8Array.from(small));
  }

  /** The message as pieces to be written in order. */
  encode(): Uint8Array[] {
    return [...this.pieces, Uint8Array.from(this.small)];
  }

  private key(field: number, wire: number): this {
    return this.varint(field * 8 + wire);
  }

  /** Seven bits per byte, lowest first; the eighth marks that more follow. */
  private varint(value: number): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    return this.append(Uint8Array.from(bytes));
  }

  private append(bytes: Uint8Array): this {
    this.length += bytes.length;
    if (bytes.length < GATHERED) {
      for (const byte of bytes) this.small.push(byte);
    } else {
      if (this.small.length > 0) this.pieces.push(Uint8Array.from(this.small));
      this.pieces.push(bytes);
      this.small = [];
    }
    return this;
  }
}
