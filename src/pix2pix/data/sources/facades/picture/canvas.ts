import { classNumber, type FacadeClass } from './classes.ts';

/** Red, green and blue of a surface in white light, as a screen shows it: 0 to 1. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** The depth of the sky: nothing throws a shadow on it, and it shines by itself. */
export const SKY = -100;

/** Whole pixels. */
export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** What a part of the facade is made of. Functions are asked for every pixel. */
export interface Material {
  colour: Rgb | ((x: number, y: number) => Rgb);
  /** Pixels that it stands out of the wall (0), or lies behind it. Left as it is where not given. */
  depth?: number | ((x: number, y: number) => number);
  /** Share of the light that it mirrors: glass. */
  gloss?: number;
  /** Left as it is where not given. */
  label?: FacadeClass;
  /** Which pixels of the box belong to it; all of them where not given. */
  inside?: (x: number, y: number) => boolean;
}

/**
 * A facade before the light falls on it: for every pixel a colour, how far it stands out, how it mirrors, its class.
 */
export class FacadeCanvas {
  readonly width: number;
  readonly height: number;
  /** Planes of width · height values. */
  readonly red: Float32Array;
  readonly green: Float32Array;
  readonly blue: Float32Array;
  readonly depth: Float32Array;
  readonly gloss: Float32Array;
  readonly labels: Uint8Array;

  constructor(width: number, height: number) {
    const plane = () => new Float32Array(width * height);
    this.width = width;
    this.height = height;
    [this.red, this.green, this.blue, this.depth, this.gloss] = [plane(), plane(), plane(), plane(), plane()];
    this.labels = new Uint8Array(width * height);
  }

  /** Covers a box, or what of it lies in the picture. */
  fill({ x: left, y: top, w, h }: Box, { colour, depth, gloss = 0, label, inside }: Material): void {
    const right = Math.min(this.width, left + w);
    const bottom = Math.min(this.height, top + h);
    for (let y = Math.max(0, top); y < bottom; y++) {
      for (let x = Math.max(0, left); x < right; x++) {
        if (inside && !inside(x, y)) continue;
        const i = y * this.width + x;
        const [r, g, b] = typeof colour === 'function' ? colour(x, y) : colour;
        this.red[i] = r;
        this.green[i] = g;
        this.blue[i] = b;
        this.gloss[i] = gloss;
        if (depth !== undefined) this.depth[i] = typeof depth === 'function' ? depth(x, y) : depth;
        if (label !== undefined) this.labels[i] = classNumber[label];
      }
    }
  }

  /** Says of a box what it is, whatever it looks like: a railing's gaps belong to the balcony. */
  mark({ x: left, y: top, w, h }: Box, label: FacadeClass): void {
    for (let y = Math.max(0, top); y < Math.min(this.height, top + h); y++) {
      const row = y * this.width;
      this.labels.fill(classNumber[label], row + Math.max(0, left), row + Math.min(this.width, left + w));
    }
  }
}

export const tint = ([r, g, b]: Rgb, factor: number): Rgb => [r * factor, g * factor, b * factor];

export const blend = (a: Rgb, b: Rgb, share: number): Rgb => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
];

/** The box without a rim of some pixels at its left, top, right and bottom. */
export const inset = ({ x, y, w, h }: Box, by: number): Box => ({ x: x + by, y: y + by, w: w - 2 * by, h: h - 2 * by });
