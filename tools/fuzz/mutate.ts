import type { RandomStream } from '../../src/engine/util/random.ts';

/** Values that often break readers, as integers of 8, 16, 32 or 64 bits. */
const EDGES = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n - 1n,
];

type Mutation = (bytes: Uint8Array, random: RandomStream, other: Uint8Array) => Uint8Array;

/** Picks a position. Half of them are in the head of a file, which says how to read the rest. */
function place({ length }: Uint8Array, random: RandomStream): number {
  return random.below(random.uniform() < 0.5 ? Math.min(length, 512) : length);
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const MUTATIONS: readonly Mutation[] = [
  function flip(bytes, random) {
    const at = place(bytes, random);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    return bytes;
  },
  function set(bytes, random) {
    bytes[place(bytes, random)] = random.below(256);
    return bytes;
  },
  function edge(bytes, random) {
    const width = [1, 2, 4, 8][random.below(4)] as number;
    const at = Math.min(place(bytes, random), Math.max(0, bytes.length - width));
    const value = BigInt.asUintN(8 * width, EDGES[random.below(EDGES.length)] as bigint);
    const little = random.uniform() < 0.5;
    for (let i = 0; i < width && at + i < bytes.length; i++) {
      bytes[at + i] = Number((value >> BigInt(8 * (little ? i : width - 1 - i))) & 0xffn);
    }
    return bytes;
  },
  function remove(bytes, random) {
    const at = place(bytes, random);
    return join(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(64)));
  },
  function repeat(bytes, random) {
    const at = place(bytes, random);
    const end = at + 1 + random.below(64);
    return join(bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end));
  },
  function insert(bytes, random) {
    const at = place(bytes, random);
    const more = Uint8Array.from({ length: 1 + random.below(16) }, () => random.below(256));
    return join(bytes.subarray(0, at), more, bytes.subarray(at));
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random.below(bytes.length));
  },
  function splice(bytes, random, other) {
    const [at, from] = [place(bytes, random), place(other, random)];
    const length = 1 + random.below(256);
    return join(bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at + length));
  },
];

/** Returns a damaged copy with one to six changes, the same for the same random numbers. */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: RandomStream): Uint8Array {
  let changed: Uint8Array = bytes.slice();
  for (let left = 1 + random.below(6); left > 0 && changed.length > 0; left--) {
    changed = (MUTATIONS[random.below(MUTATIONS.length)] as Mutation)(changed, random, other);
  }
  return changed;
}

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  2,
  0.5,
  1e9,
  1e308,
  -1e308,
  2 ** 53,
  '',
  'a',
  '__proto__',
  [],
  {},
  [[]],
  'x'.repeat(1e4),
];

/** Returns JSON with one to three of its values changed, removed or moved. */
export function mutateJson(value: unknown, random: RandomStream): unknown {
  let changed: unknown = structuredClone(value);
  for (let left = 1 + random.below(3); left > 0; left--) changed = changeOne(changed, random);
  return changed;
}

function changeOne(value: unknown, random: RandomStream): unknown {
  // A copy, since a later change may go inside it.
  const odd = () => structuredClone(ODD_VALUES[random.below(ODD_VALUES.length)]);
  if (typeof value !== 'object' || value === null || random.uniform() < 0.1) return odd();
  const keys = Object.keys(value);
  const key = keys[random.below(Math.max(1, keys.length))];
  if (key === undefined) return odd();
  const entries = value as Record<string, unknown>;
  if (random.uniform() < 0.15) delete entries[key];
  else entries[key] = changeOne(entries[key], random);
  return value;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** Gives a PNG valid checksums, because decoders stop at wrong ones. */
export function mendChecksums(png: Uint8Array): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = 8; at + 12 <= png.length; ) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > png.length) break;
    let crc = 0xffffffff;
    for (let i = at + 4; i < end; i++) crc = (CRC[(crc ^ (png[i] as number)) & 0xff] as number) ^ (crc >>> 8);
    view.setUint32(end, ~crc >>> 0);
    at = end + 4;
  }
  return png;
}
