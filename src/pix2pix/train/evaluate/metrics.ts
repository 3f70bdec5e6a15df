import { PixtapeError } from '../../../engine/util/errors.ts';

/**
 * Metrics of similarity and colourfulness. Pictures are (C, H, W) with values in [0, 1]. Everything is summed in
 * float64, without rounding to bytes first.
 */
export interface PictureSize {
  width: number;
  height: number;
}

/** Scores of a picture; `l1`, `psnr` and `ssim` compare it with the real one. */
export interface Scores {
  /** Mean |a − b|. */
  l1: number;
  /** In decibels, for a data range of 1; Infinity if the two are equal. */
  psnr: number;
  /** Mean structural similarity; 1 if the two are equal. */
  ssim: number;
  /** Mean saturation of HSV, 0 to 1. */
  saturation: number;
  /** Colourfulness after Hasler and Süsstrunk; 0 for grey. */
  colourfulness: number;
}

export function score(picture: Float32Array, real: Float32Array, size: PictureSize): Scores {
  return {
    l1: meanAbsoluteError(picture, real),
    psnr: psnr(picture, real),
    ssim: ssim(picture, real, size),
    saturation: saturation(picture, size),
    colourfulness: colourfulness(picture, size),
  };
}

/** Mean |a − b|; NaN if they have different numbers of values. */
export function meanAbsoluteError(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN;
  return mean(a.length, (i) => Math.abs(at(a, i) - at(b, i)));
}

/** 10 · log₁₀(1 / mean squared error). */
export function psnr(a: Float32Array, b: Float32Array): number {
  return -10 * Math.log10(mean(a.length, (i) => (at(a, i) - at(b, i)) ** 2));
}

const WINDOW = 11;
const SIGMA = 1.5;
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/**
 * Wang, Bovik, Sheikh and Simoncelli 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity":
 * a Gaussian window of 11 × 11 pixels with σ = 1.5, K₁ = 0.01 and K₂ = 0.03, data range 1. Computed per channel, then
 * averaged over all channels and all windows within the picture.
 * @throws PixtapeError if the picture is smaller than the window
 */
export function ssim(a: Float32Array, b: Float32Array, { width, height }: PictureSize): number {
  if (Math.min(width, height) < WINDOW) {
    throw new PixtapeError(
      `SSIM looks at ${WINDOW} × ${WINDOW} pixels at a time; a picture of ${width} × ${height} has less`,
    );
  }
  const plane = width * height;
  const channels = a.length / plane;
  let sum = 0;
  for (let c = 0; c < channels; c++) {
    const [x, y] = [a, b].map((picture) => Float64Array.from(picture.subarray(c * plane, (c + 1) * plane)));
    sum += ssimOfPlanes(x as Float64Array, y as Float64Array, width, height);
  }
  return sum / channels;
}

function ssimOfPlanes(x: Float64Array, y: Float64Array, width: number, height: number): number {
  const blurred = (value: (i: number) => number) =>
    blur(
      x.map((_, i) => value(i)),
      width,
      height,
    );
  const meanX = blurred((i) => at(x, i));
  const meanY = blurred((i) => at(y, i));
  const meanXX = blurred((i) => at(x, i) ** 2);
  const meanYY = blurred((i) => at(y, i) ** 2);
  const meanXY = blurred((i) => at(x, i) * at(y, i));
  return mean(meanX.length, (i) => {
    const [mx, my] = [at(meanX, i), at(meanY, i)];
    const [varX, varY, cov] = [at(meanXX, i) - mx * mx, at(meanYY, i) - my * my, at(meanXY, i) - mx * my];
    return ((2 * mx * my + C1) * (2 * cov + C2)) / ((mx * mx + my * my + C1) * (varX + varY + C2));
  });
}

const GAUSSIAN = normalised(
  Float64Array.from({ length: WINDOW }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * SIGMA ** 2))),
);

function normalised(weights: Float64Array): Float64Array {
  const sum = weights.reduce((s, w) => s + w, 0);
  return weights.map((w) => w / sum);
}

/** The weighted mean of each window within the picture: (H, W) → (H − 10, W − 10), along rows, then columns. */
function blur(plane: Float64Array, width: number, height: number): Float64Array {
  const [w, h] = [width - WINDOW + 1, height - WINDOW + 1];
  const rows = new Float64Array(w * height);
  for (let i = 0; i < rows.length; i++) {
    const from = Math.floor(i / w) * width + (i % w);
    for (let k = 0; k < WINDOW; k++) rows[i] = at(rows, i) + at(GAUSSIAN, k) * at(plane, from + k);
  }
  const out = new Float64Array(w * h);
  for (let i = 0; i < out.length; i++) {
    for (let k = 0; k < WINDOW; k++) out[i] = at(out, i) + at(GAUSSIAN, k) * at(rows, i + k * w);
  }
  return out;
}

/** The mean over all pixels of (max − min) / max of red, green and blue; 0 for black, and for a single channel. */
export function saturation(picture: Float32Array, { width, height }: PictureSize): number {
  const rgb = channelsOf(picture, width * height);
  return mean(width * height, (i) => {
    const [r, g, b] = rgb(i);
    const most = Math.max(r, g, b);
    return most > 0 ? (most - Math.min(r, g, b)) / most : 0;
  });
}

/**
 * Hasler and Süsstrunk 2003, "Measuring Colourfulness in Natural Images", equation for M⁽³⁾, on values from 0 to 255:
 * the spread and the mean of red − green and of yellow − blue. They found 15 slightly, 45 quite and 82 highly
 * colourful.
 */
export function colourfulness(picture: Float32Array, { width, height }: PictureSize): number {
  const pixels = width * height;
  const rgb = channelsOf(picture, pixels);
  const redGreen = Float64Array.from({ length: pixels }, (_, i) => 255 * (rgb(i)[0] - rgb(i)[1]));
  const yellowBlue = Float64Array.from({ length: pixels }, (_, i) => 255 * ((rgb(i)[0] + rgb(i)[1]) / 2 - rgb(i)[2]));
  const moments = [redGreen, yellowBlue].map((values) => {
    const m = mean(pixels, (i) => at(values, i));
    return { m, variance: mean(pixels, (i) => (at(values, i) - m) ** 2) };
  });
  const spread = Math.sqrt(moments.reduce((sum, { variance }) => sum + variance, 0));
  return spread + 0.3 * Math.hypot(...moments.map(({ m }) => m));
}

function channelsOf(picture: Float32Array, plane: number): (i: number) => readonly [number, number, number] {
  const second = picture.length < 3 * plane ? 0 : plane;
  return (i) => [at(picture, i), at(picture, second + i), at(picture, 2 * second + i)];
}

function mean(count: number, value: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value(i);
  return sum / count;
}

const at = (values: Float32Array | Float64Array, i: number): number => values[i] as number;
