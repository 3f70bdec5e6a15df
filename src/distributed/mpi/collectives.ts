/** Collective operations, built from messages between two ranks. Each meeting uses the given tag and the next one. */

/** The part of `Endpoint` that collectives need. */
export interface Peers {
  readonly rank: number;
  readonly count: number;
  readonly others: readonly number[];
  send(bytes: Uint8Array, to: number, tag: number): Promise<void>;
  receive(bytes: Uint8Array, from: number, tag: number): Promise<void>;
  /** Adds values to `sum`, each rounded to float32. */
  add(sum: Float32Array, values: Float32Array): void;
}

/** Below this many bytes over all ranks, exchanging everything once is faster than exchanging parts twice. */
const SMALL_BYTES = 64 * 2 ** 10;

/** Gathers the bytes of all ranks, in the order of the ranks. Their lengths may differ, up to 2^24 each. */
export async function gatherBytes(peers: Peers, bytes: Uint8Array, tag: number): Promise<Uint8Array[]> {
  const lengths = await gather(peers, Float32Array.of(bytes.byteLength), tag);
  return exchange(peers, bytes, (rank) => lengths[rank] as number, tag + 1);
}

/** Gathers the values of all ranks, in the order of the ranks. Each rank must have the same number. */
export async function gather(peers: Peers, values: Float32Array, tag: number): Promise<Float32Array> {
  const all = await exchange(peers, bytesOf(values), () => values.byteLength, tag);
  const joined = new Float32Array(values.length * peers.count);
  all.forEach((bytes, rank) => {
    bytesOf(joined).set(bytes, rank * values.byteLength);
  });
  return joined;
}

/**
 * Averages each value over all ranks. Sums in the order of the ranks, so that every rank and every run gets the same
 * bits. Each rank sums one part of the values for all, and sends 2 · (ranks − 1) / ranks of its values, which is
 * optimal.
 * Source: Thakur, Rabenseifner & Gropp 2005, "Optimization of Collective Communication Operations in MPICH" (direct
 * exchange: reduce-scatter, then all-gather).
 */
export async function mean(peers: Peers, values: Float32Array, tag: number): Promise<Float32Array> {
  const { rank, count, others } = peers;
  if (values.byteLength * count <= SMALL_BYTES) {
    const all = await gather(peers, values, tag);
    const parts = Array.from({ length: count }, (_, i) => all.subarray(i * values.length, (i + 1) * values.length));
    return meanOf(peers, parts, values);
  }
  const part = (of: Float32Array, i: number) => partOf(of, i, count);
  const own = part(values, rank);
  const parts = Array.from({ length: count }, (_, i) => (i === rank ? own : new Float32Array(own.length)));
  await Promise.all([
    ...others.map((from) => peers.receive(bytesOf(parts[from] as Float32Array), from, tag)),
    ...others.map((to) => peers.send(bytesOf(part(values, to)), to, tag)),
  ]);
  meanOf(peers, parts, own);
  await Promise.all([
    ...others.map((from) => peers.receive(bytesOf(part(values, from)), from, tag + 1)),
    ...others.map((to) => peers.send(bytesOf(own), to, tag + 1)),
  ]);
  return values;
}

/** The part of the values that rank `i` sums up. */
export function partOf(values: Float32Array, i: number, count: number): Float32Array {
  return values.subarray(Math.floor((values.length * i) / count), Math.floor((values.length * (i + 1)) / count));
}

/** Writes the mean of the arrays, summed in their order, into `to`, which may be one of them. */
export function meanOf(peers: Peers, parts: readonly Float32Array[], to: Float32Array): Float32Array {
  const [first = to, ...rest] = parts;
  const sum = first.slice();
  for (const values of rest) peers.add(sum, values);
  for (let i = 0; i < sum.length; i++) to[i] = (sum[i] as number) / parts.length;
  return to;
}

async function exchange(
  peers: Peers,
  bytes: Uint8Array,
  lengthOf: (rank: number) => number,
  tag: number,
): Promise<Uint8Array[]> {
  const { rank, count, others } = peers;
  const all = Array.from({ length: count }, (_, i) => (i === rank ? bytes : new Uint8Array(lengthOf(i))));
  await Promise.all([
    ...others.map((from) => peers.receive(all[from] as Uint8Array, from, tag)),
    ...others.map((to) => peers.send(bytes, to, tag)),
  ]);
  return all;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
