import type { PictureRange } from '../../models/generator.ts';

/** What is black and what is white. */
export const RANGES = { unit: [0, 1], symmetric: [-1, 1] } as const satisfies Record<PictureRange, readonly number[]>;

/** Pictures in [0, 1], as the program keeps them everywhere, as the network takes them. */
export function toNetwork(values: Float32Array, range: PictureRange): Float32Array {
  return range === 'unit' ? values : values.map((v) => 2 * v - 1);
}

/** What a difference of 1 between two of the network's pictures is in [0, 1]. */
export const unitsOf = (range: PictureRange): number => (range === 'unit' ? 1 : 0.5);

/** The network's answer in [0, 1]. */
export function fromNetwork(values: Float32Array, range: PictureRange): Float32Array {
  return range === 'unit' ? values : values.map((v) => (v + 1) / 2);
}
