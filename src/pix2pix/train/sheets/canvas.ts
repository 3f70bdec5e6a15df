import { PNG } from 'pngjs';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { drawText, fitText, GLYPH_HEIGHT, textWidth } from './font.ts';

type Colour = readonly [number, number, number];
const BACKGROUND: Colour = [247, 247, 245]; // an opaque card: reads the same on a light and on a dark page
const BORDER: Colour = [205, 205, 202];
export const INK: Colour = [40, 40, 44];
export const FAINT: Colour = [112, 112, 116];
const NOT_A_NUMBER: Colour = [255, 0, 255]; // loud on purpose: black would pass for a dark picture

const TEXT_SCALE = 2;
/** Pixels: a picture's least side (wide enough for "condition"), a card's width, its edge, and what lies between. */
export const MIN_CELL = 108;
export const COMFORTABLE_WIDTH = 1000;
export const MARGIN = 16;
export const CELL_GAP = 6;
/** The height of a line of text. */
export const LINE = GLYPH_HEIGHT * TEXT_SCALE + 4;

/** A card to draw pictures and their names on, and to save as a PNG. */
export class Canvas {
  readonly #png: PNG;

  constructor(width: number, height: number) {
    this.#png = new PNG({ width, height });
    this.fill(0, 0, width, height, BACKGROUND);
  }

  fill(x: number, y: number, width: number, height: number, [r, g, b]: Colour): void {
    const { data, width: stride } = this.#png;
    for (let row = y; row < y + height; row++) {
      for (let at = (row * stride + x) * 4; at < (row * stride + x + width) * 4; at += 4) {
        data[at] = r;
        data[at + 1] = g;
        data[at + 2] = b;
        data[at + 3] = 255;
      }
    }
  }

  text(text: string, x: number, y: number, width: number, colour: Colour, align: 'left' | 'centre'): void {
    const fitted = fitText(text, Math.floor(width / TEXT_SCALE));
    const left = align === 'left' ? x : x + Math.floor((width - textWidth(fitted) * TEXT_SCALE) / 2);
    drawText(fitted, (dx, dy) => {
      this.fill(left + dx * TEXT_SCALE, y + dy * TEXT_SCALE, TEXT_SCALE, TEXT_SCALE, colour);
    });
  }

  image(values: Float32Array, width: number, height: number, scale: number, x: number, y: number, where: string): void {
    const plane = width * height;
    const channels = values.length / plane;
    if (!(Number.isInteger(channels) && channels > 0)) {
      throw new PixtapeError(
        `The ${where} has ${values.length} values; ${width}×${height} pixels take ${plane} (grey) or ${3 * plane} (RGB).`,
      );
    }
    // Of more bands the first three are shown as colours, of two the first as grey.
    const coloured = channels >= 3;
    this.fill(x - 1, y - 1, width * scale + 2, height * scale + 2, BORDER);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = row * width + column;
        const red = values[at] as number;
        const green = coloured ? (values[plane + at] as number) : red;
        const blue = coloured ? (values[2 * plane + at] as number) : red;
        const colour: Colour = Number.isNaN(red + green + blue)
          ? NOT_A_NUMBER
          : [level(red), level(green), level(blue)];
        this.fill(x + column * scale, y + row * scale, scale, scale, colour);
      }
    }
  }

  encode(): Uint8Array {
    // No alpha in the file: the card is opaque, and three channels are a quarter smaller.
    return PNG.sync.write(this.#png, { colorType: 2, inputHasAlpha: true });
  }
}

const level = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 255);
