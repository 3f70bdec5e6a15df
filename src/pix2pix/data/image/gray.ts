import { LUMA } from './luma.ts';
import { CHANNELS, type Raster, sameKind } from './raster.ts';

/** Converts a picture to grey in three equal channels. Bytes and words are rounded. */
export function gray({ width, height, data }: Raster): Raster {
  const size = width * height;
  const grey = sameKind(data, CHANNELS * size);
  const round = grey instanceof Float32Array ? (value: number) => value : Math.round;
  for (let i = 0; i < size; i++) {
    const luma = LUMA.reduce((sum, weight, c) => sum + weight * (data[c * size + i] as number), 0);
    for (let c = 0; c < CHANNELS; c++) grey[c * size + i] = round(luma);
  }
  return { width, height, data: grey };
}
