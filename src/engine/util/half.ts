/** IEEE 754 half precision, for files and device tensors. Arithmetic stays in float32. Node 20 has no Float16Array. */

/** The largest finite half. */
export const LARGEST_HALF = 65504;

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/**
 * float32 → the bits of the nearest half, ties to even. Magnitudes of 65520 and more become infinity; NaN stays NaN.
 */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = halfOf(values[i] as number);
  return bits;
}

function halfOf(value: number): number {
  float[0] = value;
  const bits = word[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 and more round up to 2^16, which a half cannot hold.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are multiples of 2^-24. Scaling by 2^24 is exact in float32.
    return sign | roundToEven(Math.abs(value) * 2 ** 24);
  }
  // Drops 13 bits: adds just under half of the last place kept, plus one if that place is odd. A carry correctly moves
  // into the exponent.
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0);
}

/** The bits of halves → float32, exactly. */
export function fromHalf(bits: Uint16Array): Float32Array {
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = ofHalf(bits[i] as number);
  return values;
}

function ofHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The bits of bfloat16 → float32, exactly: bfloat16 is the upper half of a float32. */
export function fromBFloat16(bits: Uint16Array): Float32Array {
  const values = new Float32Array(bits.length);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
  return values;
}
