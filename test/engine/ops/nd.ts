/** An array on the CPU in float64, row-major: what the reference implementations of the operations work on. */
export interface NdArray {
  shape: readonly number[];
  data: Float64Array;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** An array whose element at flat index i is `f(i)`. */
export function nd(shape: readonly number[], f: (i: number) => number): NdArray {
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = f(i);
  return { shape: [...shape], data };
}

export function at(a: NdArray, i: number): number {
  const value = a.data[i];
  if (value === undefined) throw new Error(`the reference reads element ${i} of [${a.shape}]`);
  return value;
}

export function map(a: NdArray, f: (value: number) => number): NdArray {
  return { shape: a.shape, data: a.data.map(f) };
}

export function zip(a: NdArray, b: NdArray, f: (a: number, b: number) => number): NdArray {
  return nd(a.shape, (i) => f(at(a, i), at(b, i)));
}

/** The sum of all elements (Neumaier's, so that millions of them cost no digits), as an array of shape [1]. */
export function total(a: NdArray, factor = 1): NdArray {
  let sum = 0;
  let lost = 0;
  for (const value of a.data) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return nd([1], () => (sum + lost) * factor);
}

/** The mean of all elements, as an array of shape [1]. */
export function meanOf(a: NdArray): NdArray {
  return total(a, 1 / a.data.length);
}

export function dot(a: NdArray, b: ArrayLike<number>): number {
  return at(total(nd(a.shape, (i) => at(a, i) * (b[i] as number))), 0);
}

export function maxAbs(values: Iterable<number>): number {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}

/** Uniform numbers in [0, 1): mulberry32, small and good enough to draw test data. */
export function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` values in ±[0.05, 2]: for operations with a kink at zero. */
export function awayFromZero(random: () => number, count: number): number[] {
  return Array.from({ length: count }, () => (random() < 0.5 ? -1 : 1) * (0.05 + 1.95 * random()));
}

/** `count` values that are all different, `step` apart, in random order. */
export function allDifferent(random: () => number, count: number, step: number): number[] {
  const values = Array.from({ length: count }, (_, i) => step * (i - count / 2));
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j] as number, values[i] as number];
  }
  return values;
}

/** The shape that all of these are broadcast to, by NumPy's rule. */
export function broadcastOf(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    return Math.max(...shapes.map((shape) => shape[axis - rank + shape.length] ?? 1));
  });
}

/** The coordinates of flat index i. */
export function coordinates(shape: readonly number[], i: number): number[] {
  const at: number[] = [];
  let rest = i;
  for (const n of [...shape].reverse()) {
    at.unshift(rest % n);
    rest = Math.floor(rest / n);
  }
  return at;
}

/** The flat index of coordinates; where an axis is missing or 1 long, as broadcasting has it. */
export function indexOf(shape: readonly number[], at: readonly number[]): number {
  const missing = at.length - shape.length;
  return shape.reduce((index, n, axis) => index * n + (n === 1 ? 0 : (at[axis + missing] as number)), 0);
}

/** f of the values of all arrays, which are broadcast. */
export function broadcast(arrays: readonly NdArray[], f: (...values: number[]) => number): NdArray {
  const shape = broadcastOf(arrays.map((a) => a.shape));
  return nd(shape, (i) => {
    const here = coordinates(shape, i);
    return f(...arrays.map((a) => at(a, indexOf(a.shape, here))));
  });
}

/** A result whose element [n, c, i, j] is f(plane number of n and c, i, j). */
export function planes(
  [n, c, h, w]: [number, number, number, number],
  f: (plane: number, row: number, col: number) => number,
): NdArray {
  return nd([n, c, h, w], (at) => f(Math.floor(at / (h * w)), Math.floor(at / w) % h, at % w));
}
