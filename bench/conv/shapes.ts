import { type ConvShape, shapeName } from '../peers/peer.ts';

function layer(batch: number, inC: number, outC: number, side: number, kernel = 3, padding = kernel === 3 ? 1 : 0) {
  return { batch, inC, outC, side, kernel, padding };
}

/** The five layers that all engines are compared on: 3×3, of the default model, from wide and shallow to small and deep. */
export const COMPARED: readonly ConvShape[] = [
  layer(4, 64, 64, 64),
  layer(1, 128, 128, 64),
  layer(1, 256, 256, 32),
  layer(1, 32, 64, 256),
  layer(1, 512, 512, 16),
];

/** Layers that only ours is timed on: the other kernel sizes of the default model, and the few channels of `quick`. */
export const FURTHER: readonly ConvShape[] = [
  layer(1, 3, 32, 256, 1),
  layer(1, 32, 3, 256, 1),
  layer(1, 64, 32, 256, 2),
  layer(1, 32, 32, 255, 2, 1),
  layer(1, 512, 256, 32, 2),
  layer(1, 2048, 1024, 8, 2),
  layer(1, 1024, 2048, 8),
  layer(1, 8, 16, 256),
  layer(4, 3, 8, 64, 1),
  layer(4, 8, 16, 64),
  layer(4, 16, 16, 64),
  layer(4, 16, 8, 64, 2),
  layer(4, 64, 128, 8),
  layer(4, 128, 128, 8),
];

/** The shapes whose name contains `rows`. */
export const chosen = (shapes: readonly ConvShape[], rows: string): ConvShape[] =>
  shapes.filter((shape) => shapeName(shape).includes(rows));
