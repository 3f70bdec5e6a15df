/** Hashes a grid point to [0, 1) without a visible pattern (MurmurHash3's finaliser). */
export function hash(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2f) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** Value noise in [0, 1) with features of about one unit: random values at grid points, interpolated. */
export function noise(x: number, y: number, seed: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const along = smooth(x - column);
  const down = smooth(y - row);
  const above = mix(hash(column, row, seed), hash(column + 1, row, seed), along);
  const below = mix(hash(column, row + 1, seed), hash(column + 1, row + 1, seed), along);
  return mix(above, below, down);
}

/** Noise with coarse and fine detail: three octaves, in [0, 1). */
export function cloud(x: number, y: number, seed: number): number {
  return 0.57 * noise(x, y, seed) + 0.29 * noise(2 * x, 2 * y, seed + 1) + 0.14 * noise(4 * x + 0.5, 4 * y, seed + 2);
}

export const mix = (a: number, b: number, share: number): number => a + (b - a) * share;
export const clamp = (value: number, low = 0, high = 1): number => Math.min(high, Math.max(low, value));
const smooth = (t: number): number => t * t * (3 - 2 * t);
