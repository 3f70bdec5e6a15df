import { fromHalf, toHalf } from '../../engine/util/half.ts';
import { meanOf, type Peers, partOf } from './collectives.ts';

/** Halves hold up to 2^16: values are scaled so that the largest stays below. */
const TOP_EXPONENT = 15;
const SCALE_BYTES = 4;

/**
 * The rounding error of one meeting so far. It is added to the next values, so that it arrives late but is not lost.
 * Source: Seide et al. 2014, "1-Bit Stochastic Gradient Descent and its Application to Data-Parallel Distributed Training of
 * Speech DNNs" (error feedback).
 */
export class Residual {
  /** Error of the values that this rank sends. */
  readonly sent: Float32Array;
  /** Error of the means that this rank computes for all. */
  readonly summed: Float32Array;

  constructor({ rank, count }: Peers, values: number) {
    this.sent = new Float32Array(values);
    this.summed = new Float32Array(partOf(this.sent, rank, count).length);
  }
}

/** As `mean` of collectives.ts with half the bytes: rounds what a rank sends to halves. */
export async function meanInHalves(
  peers: Peers,
  values: Float32Array,
  tag: number,
  residual: Residual,
): Promise<Float32Array> {
  const { rank, count, others } = peers;
  const part = (of: Float32Array, i: number) => partOf(of, i, count);
  const own = part(values, rank);
  const room = (floats: number) => new Uint8Array(SCALE_BYTES + 2 * floats);
  const incoming = new Map(others.map((from) => [from, room(own.length)]));
  await Promise.all([
    ...[...incoming].map(([from, bytes]) => peers.receive(bytes, from, tag)),
    ...others.map((to) => peers.send(packed(part(values, to), part(residual.sent, to)), to, tag)),
  ]);
  const parts = Array.from({ length: count }, (_, i) => unpacked(incoming.get(i)) ?? own);
  meanOf(peers, parts, own);
  const outgoing = packed(own, residual.summed);
  // Every rank must go on with the same bits, this one too.
  own.set(unpacked(outgoing) as Float32Array);
  const means = new Map(others.map((from) => [from, room(part(values, from).length)]));
  await Promise.all([
    ...[...means].map(([from, bytes]) => peers.receive(bytes, from, tag + 1)),
    ...others.map((to) => peers.send(outgoing, to, tag + 1)),
  ]);
  for (const [from, bytes] of means) part(values, from).set(unpacked(bytes) as Float32Array);
  return values;
}

/** Packs a power-of-two scale, then the scaled values as halves. Writes the rounding error into `left`. */
function packed(values: Float32Array, left: Float32Array): Uint8Array {
  let largest = 0;
  const scaled = values.map((v, i) => {
    const value = v + (left[i] as number);
    if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
    return value;
  });
  const scale = largest > 0 ? 2 ** (TOP_EXPONENT - 1 - Math.max(-111, Math.floor(Math.log2(largest)))) : 1;
  for (let i = 0; i < scaled.length; i++) scaled[i] = (scaled[i] as number) * scale;
  const halves = toHalf(scaled);
  const rounded = fromHalf(halves);
  for (let i = 0; i < scaled.length; i++) {
    const rest = ((scaled[i] as number) - (rounded[i] as number)) / scale;
    // Infinity and NaN are sent unchanged, and must not be carried over.
    left[i] = Number.isFinite(rest) ? rest : 0;
  }
  const bytes = new Uint8Array(SCALE_BYTES + halves.byteLength);
  new DataView(bytes.buffer).setFloat32(0, scale);
  bytes.set(new Uint8Array(halves.buffer), SCALE_BYTES);
  return bytes;
}

function unpacked(bytes: Uint8Array | undefined): Float32Array | undefined {
  if (!bytes) return undefined;
  const scale = new DataView(bytes.buffer).getFloat32(0);
  const values = fromHalf(new Uint16Array(bytes.buffer, SCALE_BYTES));
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / scale;
  return values;
}
