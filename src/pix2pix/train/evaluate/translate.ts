import { PixtapeError } from '../../../engine/util/errors.ts';
import { gray } from '../../data/image/gray.ts';
import type { Picture } from '../../data/image/picture.ts';
import { resizePicture } from '../../data/image/picture.ts';
import { asColours, CHANNELS } from '../../data/image/raster.ts';
import type { ResizeMode } from '../../data/image/resize.ts';
import type { SidesOf } from '../../models/generators/config.ts';
import type { Predictor } from '../steps/predictor.ts';

export interface Size {
  width: number;
  height: number;
}

/** Preprocessing of a picture. */
export interface Preparation {
  /** The half of a side-by-side pair that is the condition; if omitted, the whole picture. */
  side?: 'left' | 'right';
  /** The size to resize to, in pixels; if omitted, pictures keep their size. */
  resize?: Size & { mode: ResizeMode };
}

/** Extracts and resizes the condition. @throws Error if a pair's width is odd */
export function prepare(picture: Picture, { side, resize }: Preparation): Picture {
  const condition = side ? half(picture, side) : picture;
  return resize ? resizePicture(condition, resize.width, resize.height, resize.mode) : condition;
}

/**
 * The size at which a picture is painted: its own, or the next one that the network takes.
 * @param sampling whether norms take the picture's own statistics
 */
export function paintedSize(
  { width, height }: Size,
  { unit, least = unit, leastArea = 0 }: SidesOf,
  sampling: boolean,
): Size {
  const [w, h] = [width, height].map((side) => Math.max(least, nextMultiple(side, unit))) as [number, number];
  if (!sampling || w * h >= leastArea) return { width: w, height: h };
  return { width: nextMultiple(leastArea / h, unit), height: h };
}

/**
 * Translates a picture. It is padded to `size` by repeating the last row and column, and the result is cropped back.
 * @param size one that the network takes: see `paintedSize`
 * @returns as many planes as the generator has output channels
 */
export async function translate(predictor: Predictor, condition: Picture, size: Size): Promise<Picture> {
  const { width, height } = condition;
  const padded = pad(condition, size);
  const data = await predictPlanes(predictor, padded);
  return crop({ width: padded.width, height: padded.height, data }, width, height);
}

/**
 * Runs the generator on one picture. For a generator of grey, colours are converted to luma, as in pix2pix with
 * `--input_nc 1`; for a generator of colours, grey is repeated three times.
 * @throws PixtapeError if the picture has other channels than the generator's input
 */
export async function predictPlanes(predictor: Predictor, { width, height, data }: Picture): Promise<Float32Array> {
  const { in: wanted } = predictor.channels;
  const size = width * height;
  const has = data.length / size;
  if (has === wanted) return predictor.predict(data, 1, height, width);
  if (![has, wanted].every((channels) => channels === 1 || channels === CHANNELS)) {
    throw new PixtapeError(`the generator paints from ${wanted} channels; the picture has ${has}`);
  }
  const condition =
    wanted === 1 ? (gray({ width, height, data }).data.subarray(0, size) as Float32Array) : asColours(data, size);
  return predictor.predict(condition, 1, height, width);
}

/** The next multiple of `unit`. */
const nextMultiple = (side: number, unit: number): number => Math.ceil(side / unit) * unit;

/** Repeats the last row and column until it has that size. */
export function pad(picture: Picture, { width, height }: Size): Picture {
  return rearrange(picture, width, height, (x, y) => [Math.min(x, picture.width - 1), Math.min(y, picture.height - 1)]);
}

/** The top left part. */
function crop(picture: Picture, width: number, height: number): Picture {
  return rearrange(picture, width, height, (x, y) => [x, y]);
}

function half(picture: Picture, side: 'left' | 'right'): Picture {
  if (picture.width % 2 !== 0) throw new Error(`a pair ${picture.width} pixels wide has no halves`);
  const width = picture.width / 2;
  return rearrange(picture, width, picture.height, (x, y) => [side === 'left' ? x : x + width, y]);
}

function rearrange(
  from: Picture,
  width: number,
  height: number,
  source: (x: number, y: number) => readonly [x: number, y: number],
): Picture {
  const channels = from.data.length / (from.width * from.height);
  if (width === from.width && height === from.height) return from;
  const data = new Float32Array(channels * width * height);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [fx, fy] = source(x, y);
        data[at++] = from.data[(c * from.height + fy) * from.width + fx] as number;
      }
    }
  }
  return { width, height, data };
}
