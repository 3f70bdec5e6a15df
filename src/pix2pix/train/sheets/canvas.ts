import sharp from 'sharp';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { type Label, labelsSvg } from './labels.ts';

type Colour = readonly [number, number, number];
const BACKGROUND: Colour = [247, 247, 245]; // opaque, to look the same on light and dark pages
const BORDER: Colour = [205, 205, 202];
const NOT_A_NUMBER: Colour = [255, 0, 255]; // conspicuous: black would pass for a dark picture
const CHANNELS = 3;

/** Pixels: the least side of a picture, the width of a card, its margin, and the gap between pictures. */
export const MIN_CELL = 108;
export const COMFORTABLE_WIDTH = 1000;
export const MARGIN = 16;
export const CELL_GAP = 6;

/** A card with pictures and their names, to be saved as a PNG. */
export class SheetCanvas {
  readonly #width: number;
  readonly #height: number;
  readonly #pixels: Uint8Array;
  readonly #labels: Label[] = [];

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#pixels = new Uint8Array(width * height * CHANNELS);
    this.#fill(0, 0, width, height, BACKGROUND);
  }

  #fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    for (let row = y; row < y + height; row++) {
      const first = (row * this.#width + x) * CHANNELS;
      for (let at = first; at < first + width * CHANNELS; at += CHANNELS) this.#pixels.set(colour, at);
    }
  }

  /** Writes a line of text, shortened to its width. */
  text(label: Label): void {
    this.#labels.push(label);
  }

  /**
   * Draws a picture, (C, H, W) with values in [0, 1], C = 1 or 3, enlarged by a whole factor.
   * @param where names the picture in the error
   * @throws PixtapeError if it does not have C·H·W values
   */
  image(values: Float32Array, width: number, height: number, scale: number, x: number, y: number, where: string): void {
    const plane = width * height;
    const channels = values.length / plane;
    if (!(Number.isInteger(channels) && channels > 0)) {
      throw new PixtapeError(
        `The ${where} has ${values.length} values; ${width}×${height} pixels take ${plane} (grey) or ${3 * plane} (RGB).`,
      );
    }
    // The first three bands are shown as colours; of two bands, the first is shown as grey.
    const coloured = channels >= 3;
    this.#fill(x - 1, y - 1, width * scale + 2, height * scale + 2, BORDER);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = row * width + column;
        const red = values[at] as number;
        const green = coloured ? (values[plane + at] as number) : red;
        const blue = coloured ? (values[2 * plane + at] as number) : red;
        const colour: Colour = Number.isNaN(red + green + blue)
          ? NOT_A_NUMBER
          : [level(red), level(green), level(blue)];
        this.#fill(x + column * scale, y + row * scale, scale, scale, colour);
      }
    }
  }

  async encode(): Promise<Uint8Array> {
    const [width, height] = [this.#width, this.#height];
    const svg = await labelsSvg(this.#labels, width, height);
    return sharp(this.#pixels, { raw: { width, height, channels: CHANNELS } })
      .composite([{ input: Buffer.from(svg) }])
      .removeAlpha()
      .png()
      .toBuffer();
  }
}

const level = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 255);
