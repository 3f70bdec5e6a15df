import { CHANNELS, type Raster, toFloats } from '../image/raster.ts';

export interface EdgeOptions {
  /** Standard deviation of the blur before edge detection, in pixels. More blur omits fine detail. */
  sigma: number;
  /** Contrast at which a line begins, 0 to 1 (black against white). Lines continue down to 0.4 of it. */
  threshold: number;
}

export const EDGE_DEFAULTS: EdgeOptions = { sigma: 1.4, threshold: 0.12 };
const GOES_ON = 0.4;

/**
 * Canny edge detection (1986), as one-pixel black lines on white. Gaussian blur; Sobel gradients of the channel that
 * changes most; non-maximum suppression; hysteresis, which keeps weak lines connected to strong ones.
 */
export function edges(picture: Raster, options: EdgeOptions = EDGE_DEFAULTS): Raster {
  const { width, height } = picture;
  const { strength, direction } = gradients(blur(toFloats(picture), width, height, options.sigma), width, height);
  const thin = maxima(strength, direction, width, height);
  const lines = follow(thin, width, height, options.threshold);
  const data = new Uint8Array(CHANNELS * width * height).fill(255);
  lines.forEach((line, i) => {
    if (line) for (let c = 0; c < CHANNELS; c++) data[c * width * height + i] = 0;
  });
  return { width, height, data };
}

/** Gaussian blur of each plane, along rows and then columns; edges repeat. */
function blur(planes: Float32Array, width: number, height: number, sigma: number): Float32Array {
  if (sigma === 0) return planes;
  const reach = Math.ceil(3 * sigma);
  const raw = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const kernel = Float64Array.from(raw, (weight) => weight / total);
  const along = pass(planes, kernel, width, 1);
  return pass(along, kernel, height, width, width * height);
}

/** Applies the kernel along lines of `count` values, `step` apart; `block` is the extent of all such lines together. */
function pass(from: Float32Array, kernel: Float64Array, count: number, step: number, block = count): Float32Array {
  const to = new Float32Array(from.length);
  const reach = kernel.length >> 1;
  for (let start = 0; start < from.length; start += block) {
    for (let line = 0; line < block / count; line++) {
      for (let i = 0; i < count; i++) {
        let sum = 0;
        for (let k = -reach; k <= reach; k++) {
          const at = Math.min(count - 1, Math.max(0, i + k));
          sum += (kernel[k + reach] as number) * (from[start + line + at * step] as number);
        }
        to[start + line + i * step] = sum;
      }
    }
  }
  return to;
}

/** Sobel gradients, scaled so that a step from black to white gives 1, and their directions, 0 to 3. */
function gradients(planes: Float32Array, width: number, height: number) {
  const size = width * height;
  const strength = new Float32Array(size);
  const direction = new Uint8Array(size);
  for (let y = 0; y < height; y++) {
    const [up, down] = [Math.max(0, y - 1) * width, Math.min(height - 1, y + 1) * width];
    for (let x = 0; x < width; x++) {
      const [left, right] = [Math.max(0, x - 1), Math.min(width - 1, x + 1)];
      const i = y * width + x;
      for (let c = 0; c < CHANNELS; c++) {
        const at = (row: number, column: number) => planes[c * size + row + column] as number;
        const [topLeft, topRight, lowLeft, lowRight] = [at(up, left), at(up, right), at(down, left), at(down, right)];
        const across = (topRight + lowRight - topLeft - lowLeft + 2 * (at(y * width, right) - at(y * width, left))) / 4;
        const along = (lowLeft + lowRight - topLeft - topRight + 2 * (at(down, x) - at(up, x))) / 4;
        const length = Math.sqrt(across * across + along * along);
        if (length <= (strength[i] as number)) continue;
        strength[i] = length;
        direction[i] = sector(across, along);
      }
    }
  }
  return { strength, direction };
}

/** The gradient's direction to the nearest 45°: 0 →, 1 ↘, 2 ↓, 3 ↙. */
function sector(across: number, along: number): number {
  const [u, v] = [Math.abs(across), Math.abs(along)];
  if (v < 0.41421356 * u) return 0;
  if (u < 0.41421356 * v) return 2;
  return across > 0 === along > 0 ? 1 : 3;
}

/**
 * Non-maximum suppression: keeps strengths above both neighbours along the gradient (one of two equals); 0 elsewhere.
 */
function maxima(strength: Float32Array, direction: Uint8Array, width: number, height: number): Float32Array {
  const thin = new Float32Array(strength.length);
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : (strength[y * width + x] as number);
  const steps = [
    [1, 0],
    [1, 1],
    [0, 1],
    [-1, 1],
  ] as const;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = steps[direction[y * width + x] as number] as readonly [number, number];
      const here = at(x, y);
      if (here > at(x - dx, y - dy) && here >= at(x + dx, y + dy)) thin[y * width + x] = here;
    }
  }
  return thin;
}

/** Hysteresis: lines begin at the threshold and continue to neighbours above 0.4 of it. */
function follow(thin: Float32Array, width: number, height: number, threshold: number): Uint8Array {
  const lines = new Uint8Array(thin.length);
  const open: number[] = [];
  const take = (i: number) => {
    lines[i] = 1;
    open.push(i);
  };
  thin.forEach((value, i) => {
    if (value >= threshold) take(i);
  });
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        const next = row * width + column;
        if (!lines[next] && (thin[next] as number) >= GOES_ON * threshold && thin[next] !== 0) take(next);
      }
    }
  }
  return lines;
}
