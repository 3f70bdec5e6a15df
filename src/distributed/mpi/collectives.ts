/** What ranks do together, made of messages between two of them. Every tag here and the one behind it are one meeting's. */

/** The part of `Endpoint` that is needed. */
export interface Peers {
  readonly rank: number;
  readonly count: number;
  readonly others: readonly number[];
  send(bytes: Uint8Array, to: number, tag: number): Promise<void>;
  receive(bytes: Uint8Array, from: number, tag: number): Promise<void>;
  /** Adds values to `sum`, each rounded to float32. */
  add(sum: Float32Array, values: Float32Array): void;
}

/** Below so many bytes from all ranks together, one exchange of everything is faster than two of parts. */
const SMALL_BYTES = 64 * 2 ** 10;

/** The bytes of all ranks in their order. Each rank may have another number of them, up to 2^24. */
export async function gatherBytes(peers: Peers, bytes: Uint8Array, tag: number): Promise<Uint8Array[]> {
  const lengths = await gather(peers, Float32Array.of(bytes.byteLength), tag);
  return exchange(peers, bytes, (rank) => lengths[rank] as number, tag + 1);
}

/** The values of all ranks in their order; each has as many. */
export async function gather(peers: Peers, values: Float32Array, tag: number): Promise<Float32Array> {
  const all = await exchange(peers, bytesOf(values), () => values.byteLength, tag);
  const joined = new Float32Array(values.length * peers.count);
  all.forEach((bytes, rank) => {
    bytesOf(joined).set(bytes, rank * values.byteLength);
  });
  return joined;
}

/**
 * The mean over all ranks of each value, summed up in the order of the ranks, so that it is the same bits everywhere and
 * every time. Each rank sums up one part of the values for all, so that no more than 2 · (ranks − 1) / ranks of them leave
 * it: as few as any way of doing it needs.
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

/** The mean of arrays, in their order, into `to`, which may be one of them. */
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
