import { CHANNELS, cut, type Raster, sameKind } from './raster.ts';

/**
 * crop: fill the size and cut off the rest evenly; pad: the whole picture on white; keep: shrink to fit, if need be.
 */
export const FITS = ['crop', 'pad', 'keep'] as const;
export type Fit = (typeof FITS)[number];

interface Size {
  width: number;
  height: number;
}

/** Fits a picture into a size, keeping its proportions. `keep` returns the largest picture that fits. */
export function fitPicture(from: Raster, { width, height }: Size, fit: Fit): Raster {
  if (fit === 'crop') {
    const scale = Math.min(from.width / width, from.height / height);
    const [w, h] = [Math.min(from.width, sides(width * scale)), Math.min(from.height, sides(height * scale))];
    const middle = cut(from, (from.width - w) >> 1, (from.height - h) >> 1, w, h);
    return scaleSmoothly(middle, width, height);
  }
  const scale = Math.min(width / from.width, height / from.height);
  const inner = scaleSmoothly(from, sides(from.width * scale), sides(from.height * scale));
  return fit === 'keep' ? inner : onWhite(inner, width, height);
}

const sides = (pixels: number): number => Math.max(1, Math.round(pixels));

function onWhite(inner: Raster, width: number, height: number): Raster {
  const white = inner.data instanceof Uint16Array ? 65535 : inner.data instanceof Uint8Array ? 255 : 1;
  const data = sameKind(inner.data, CHANNELS * width * height).fill(white);
  const [left, top] = [(width - inner.width) >> 1, (height - inner.height) >> 1];
  for (let c = 0; c < CHANNELS; c++) {
    for (let y = 0; y < inner.height; y++) {
      const start = (c * inner.height + y) * inner.width;
      data.set(inner.data.subarray(start, start + inner.width), (c * height + top + y) * width + left);
    }
  }
  return { width, height, data };
}

/**
 * Resizes with antialiasing: a triangle filter as wide as an output pixel for shrinking, plain bilinear interpolation
 * for enlarging (Pillow's BILINEAR). Bytes and words are rounded.
 */
export function scaleSmoothly(from: Raster, width: number, height: number): Raster {
  if (from.width === width && from.height === height) return from;
  const columns = triangles(from.width, width);
  const rows = triangles(from.height, height);
  const narrow = new Float32Array(CHANNELS * from.height * width);
  for (let line = 0; line < CHANNELS * from.height; line++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = columns[x] as Taps;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) {
        sum += (weights[i] as number) * (from.data[line * from.width + first + i] as number);
      }
      narrow[line * width + x] = sum;
    }
  }
  const data = sameKind(from.data, CHANNELS * width * height);
  const round = data instanceof Float32Array ? (value: number) => value : Math.round;
  for (let c = 0; c < CHANNELS; c++) {
    for (let y = 0; y < height; y++) {
      const { first, weights } = rows[y] as Taps;
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) {
          sum += (weights[i] as number) * (narrow[(c * from.height + first + i) * width + x] as number);
        }
        data[(c * height + y) * width + x] = round(sum);
      }
    }
  }
  return { width, height, data };
}

interface Taps {
  first: number;
  weights: number[];
}

/** For each output pixel, the weights of its source pixels. */
function triangles(inputs: number, outputs: number): Taps[] {
  const scale = inputs / outputs;
  const reach = Math.max(1, scale);
  return Array.from({ length: outputs }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const last = Math.min(inputs, Math.floor(centre + reach + 0.5));
    const raw = Array.from({ length: last - first }, (_, j) =>
      Math.max(0, 1 - Math.abs(first + j + 0.5 - centre) / reach),
    );
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: raw.map((weight) => weight / total) };
  });
}
