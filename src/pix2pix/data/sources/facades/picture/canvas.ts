import { classNumber, type FacadeClass } from './classes.ts';

/** sRGB colour of a surface in white light, 0 to 1. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** The depth of the sky, which is luminous and receives no shadow. */
export const SKY = -100;

/** Whole pixels. */
export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** The material of a part of the facade. Functions are evaluated per pixel. */
export interface Material {
  colour: Rgb | ((x: number, y: number) => Rgb);
  /** Height above the wall (0) in pixels; negative behind it. Unchanged if omitted. */
  depth?: number | ((x: number, y: number) => number);
  /** Reflectance, for glass. */
  gloss?: number;
  /** Unchanged if omitted. */
  label?: FacadeClass;
  /** Which pixels of the box belong to it; all if omitted. */
  inside?: (x: number, y: number) => boolean;
}

/**
 * A facade before lighting: colour, height, reflectance and class per pixel.
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

  /** Fills a box, clipped to the picture. */
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

  /** Sets only the class of a box: a railing's gaps belong to the balcony. */
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

/** The box without margins of some pixels at the left, top, right and bottom. */
export const inset = ({ x, y, w, h }: Box, by: number): Box => ({ x: x + by, y: y + by, w: w - 2 * by, h: h - 2 * by });
