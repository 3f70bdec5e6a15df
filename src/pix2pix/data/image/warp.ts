import type { RandomStream } from '../../../engine/util/random.ts';
import { CHANNELS, type Raster, toFloats } from './raster.ts';

/** A small random affine transform of a picture; identity by default. */
export interface Movement {
  /** Rotation about the centre, in radians, clockwise. */
  angle: number;
  /** Scale about the centre. */
  scale: number;
  /** Translation to the right and down, as a fraction of the side. */
  dx: number;
  dy: number;
  /** Mirrored left to right, before everything else. */
  mirror: boolean;
}

export const AT_REST: Movement = { angle: 0, scale: 1, dx: 0, dy: 0, mirror: false };

/** Limits of `drawMovement`: 10°, a scale of ±10 %, a translation of 5 % of the side. */
const MOST = { angle: (10 * Math.PI) / 180, scale: 0.1, shift: 0.05 };

/** Draws a transform with uniform parameters. The number of draws does not depend on the options. */
export function drawMovement(random: RandomStream, { move, flip }: { move: boolean; flip: boolean }): Movement {
  const [angle, scale, dx, dy] = [0, 1, 2, 3].map(() => 2 * random.uniform() - 1) as [number, number, number, number];
  const mirror = random.uniform() < 0.5 && flip;
  if (!move) return { ...AT_REST, mirror };
  const shift = { dx: MOST.shift * dx, dy: MOST.shift * dy };
  return { angle: MOST.angle * angle, scale: 1 + MOST.scale * scale, ...shift, mirror };
}

/**
 * Transforms a picture to `side` × `side`, CHW, values in [0, 1], with bilinear sampling and repeated edges. From a
 * square twice as large, the identity averages 2 × 2 pixels.
 */
export function warp(from: Raster, side: number, { angle, scale, dx, dy, mirror }: Movement): Float32Array {
  const source = toFloats(from);
  const { width, height } = from;
  const out = new Float32Array(CHANNELS * side * side);
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      // From the centre, in parts of the side, backwards through the movement.
      const u = (x + 0.5) / side - 0.5 - dx;
      const v = (y + 0.5) / side - 0.5 - dy;
      const across = cos * u + sin * v;
      const fx = ((mirror ? -across : across) + 0.5) * width - 0.5;
      const fy = (cos * v - sin * u + 0.5) * height - 0.5;
      const [left, top] = [Math.floor(fx), Math.floor(fy)];
      const [a, b] = [fx - left, fy - top];
      const [x0, x1] = [clamp(left, width), clamp(left + 1, width)];
      const [y0, y1] = [clamp(top, height) * width, clamp(top + 1, height) * width];
      for (let c = 0; c < CHANNELS; c++) {
        const at = c * width * height;
        const above = (source[at + y0 + x0] as number) * (1 - a) + (source[at + y0 + x1] as number) * a;
        const below = (source[at + y1 + x0] as number) * (1 - a) + (source[at + y1 + x1] as number) * a;
        out[(c * side + y) * side + x] = above * (1 - b) + below * b;
      }
    }
  }
  return out;
}

const clamp = (i: number, n: number): number => Math.min(Math.max(i, 0), n - 1);
