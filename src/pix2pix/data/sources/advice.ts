import type { PairFiles } from '../files/find_pairs.ts';
import { BadFile } from '../files/formats.ts';
import type { Raster } from '../image/raster.ts';
import type { DataOptions } from '../sets/dataset.ts';
import { jittered } from '../sets/pairs.ts';
import { labelColours, unusedBits } from '../sets/traits.ts';

/** How many pairs to examine, spread over all. */
const LOOKED_AT = 6;

/**
 * Examines a few pairs for likely mistakes.
 * @returns a line per finding
 */
export async function adviceOn(
  pairs: readonly PairFiles[],
  load: (pair: PairFiles) => Promise<{ a: Raster; b: Raster }>,
  options: Pick<DataOptions, 'direction' | 'resize' | 'jitter' | 'width' | 'height' | 'range'>,
): Promise<string[]> {
  const step = Math.max(1, pairs.length / LOOKED_AT);
  const conditions: Raster[] = [];
  const all: Raster[] = [];
  for (let at = 0; at < pairs.length; at += step) {
    try {
      const { a, b } = await load(pairs[Math.floor(at)] as PairFiles);
      conditions.push(options.direction === 'BtoA' ? b : a);
      all.push(a, b);
    } catch (error) {
      if (!(error instanceof BadFile)) throw error; // A bad file is reported when it is used.
    }
  }
  return [...labelAdvice(conditions, options), ...depthAdvice(all, options), ...rangeAdvice(all, options)];
}

type Size = Pick<DataOptions, 'resize' | 'jitter' | 'width' | 'height'>;

function labelAdvice(conditions: readonly Raster[], { resize, jitter, width, height }: Size): string[] {
  if (resize === 'nearest') return [];
  const [w, h] = jitter ? [jittered(width), jittered(height)] : [width, height];
  const counts = conditions.filter((picture) => picture.width !== w || picture.height !== h).map(labelColours);
  const labels = counts.filter((count) => count > 0);
  if (labels.length * 2 <= counts.length) return [];
  return [
    `the conditions look like label maps (${Math.max(...labels)} flat colours): --resize bilinear blends colours where ` +
      'they meet; --resize nearest keeps them exact',
  ];
}

function depthAdvice(all: readonly Raster[], { range }: Pick<DataOptions, 'range'>): string[] {
  const limits = all.map(unusedBits);
  const below = limits.filter((limit) => limit !== undefined);
  if (range || below.length === 0 || below.length < all.filter(({ data }) => data instanceof Uint16Array).length)
    return [];
  const most = Math.max(...below);
  return [
    `values of 16 bits stay below ${most}, ${Math.log2(most)} bits: they look nearly black; --range 0,${most - 1} spreads them`,
  ];
}

function rangeAdvice(all: readonly Raster[], { range }: Pick<DataOptions, 'range'>): string[] {
  const clipped = Math.max(0, ...all.map((raster) => raster.clipped ?? 0));
  if (!range || clipped === 0) return [];
  const part = clipped < 0.001 ? 'less than 0.1 %' : `up to ${(100 * clipped).toFixed(1)} %`;
  return [`${part} of a picture's values lie outside of --range ${range.min},${range.max} and are cut off there`];
}
