import type { PictureRange } from '../../models/generators/config.ts';

/** The values of black and white in each range. */
export const RANGE_LIMITS = { unit: [0, 1], symmetric: [-1, 1] } as const satisfies Record<
  PictureRange,
  readonly number[]
>;

/** Converts pictures from [0, 1], which the program uses everywhere, to the network's range. */
export function toNetwork(values: Float32Array, range: PictureRange): Float32Array {
  return range === 'unit' ? values : values.map((v) => 2 * v - 1);
}

/** The factor that converts a difference in the network's range to one in [0, 1]. */
export const differenceScale = (range: PictureRange): number => (range === 'unit' ? 1 : 0.5);

/** Converts a network's output to [0, 1]. */
export function fromNetwork(values: Float32Array, range: PictureRange): Float32Array {
  return range === 'unit' ? values : values.map((v) => (v + 1) / 2);
}
