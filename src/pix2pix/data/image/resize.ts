import { channelsOf, type Raster, sameKind, toFloats } from './raster.ts';

export type ResizeMode = 'nearest' | 'bilinear';

/** Resizes a picture; see `resizeNearest` and `resizeBilinear`. Returns the picture itself if the size is the same. */
export function resize(from: Raster, width: number, height: number, mode: ResizeMode): Raster {
  if (from.width === width && from.height === height) return from;
  return mode === 'nearest' ? resizeNearest(from, width, height) : resizeBilinear(from, width, height);
}

/**
 * Takes the nearest source pixel towards the top left, floor(dst · in/out), with values unchanged. The scale and the
 * product are rounded to float32, as in PyTorch's F.interpolate(mode='nearest'): for some sizes (82 → 286) and integer
 * quotients, this selects the pixel before.
 */
export function resizeNearest(from: Raster, width: number, height: number): Raster {
  const columns = nearestIndices(from.width, width);
  const rows = nearestIndices(from.height, height);
  const channels = channelsOf(from);
  const data = sameKind(from.data, channels * width * height);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (const row of rows) {
      const start = (c * from.height + row) * from.width;
      for (const column of columns) data[at++] = from.data[start + column] as number;
    }
  }
  return { width, height, data };
}

/** The source index of each pixel along one axis (PyTorch, aten/src/ATen/native/UpSample.h). */
export function nearestIndices(inputs: number, outputs: number): Uint32Array {
  const scale = Math.fround(inputs / outputs);
  return Uint32Array.from({ length: outputs }, (_, i) => Math.min(Math.floor(Math.fround(i * scale)), inputs - 1));
}

/**
 * Bilinear interpolation as in PyTorch's F.interpolate(mode='bilinear', align_corners=False), without antialiasing:
 * pixel centres at half-integers, edges repeated. Returns float32 in [0, 1]; weights are computed in float64.
 */
export function resizeBilinear(from: Raster, width: number, height: number): Raster {
  const columns = bilinearTaps(from.width, width);
  const rows = bilinearTaps(from.height, height);
  const source = from.data instanceof Float32Array ? from.data : toFloats(from);
  const channels = channelsOf(from);
  const data = new Float32Array(channels * width * height);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const upper = (c * from.height + (rows.first[y] as number)) * from.width;
      const lower = (c * from.height + (rows.second[y] as number)) * from.width;
      const down = rows.weight[y] as number;
      for (let x = 0; x < width; x++) {
        const left = columns.first[x] as number;
        const right = columns.second[x] as number;
        const along = columns.weight[x] as number;
        const above = (source[upper + left] as number) * (1 - along) + (source[upper + right] as number) * along;
        const below = (source[lower + left] as number) * (1 - along) + (source[lower + right] as number) * along;
        data[at++] = above * (1 - down) + below * down;
      }
    }
  }
  return { width, height, data };
}

/** The two source pixels of each output pixel along one axis, and the weight of the second. */
function bilinearTaps(inputs: number, outputs: number) {
  const first = new Uint32Array(outputs);
  const second = new Uint32Array(outputs);
  const weight = new Float64Array(outputs);
  for (let i = 0; i < outputs; i++) {
    const place = Math.max(0, ((i + 0.5) * inputs) / outputs - 0.5);
    const before = Math.min(Math.floor(place), inputs - 1);
    first[i] = before;
    second[i] = Math.min(before + 1, inputs - 1);
    weight[i] = place - before;
  }
  return { first, second, weight };
}
