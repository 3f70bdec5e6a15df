import { PNG } from 'pngjs';
import { PixtapeError } from '../util/errors.ts';
import { drawText, fitText, GLYPH_HEIGHT, textWidth } from './font.ts';

/** One sample: three pictures of the same size, (C, H, W) in [0, 1], C = 1 or 3. */
export interface SampleRow {
  condition: Float32Array;
  fake: Float32Array;
  real: Float32Array;
  /** Drawn above the pictures, where given. */
  name?: string;
}

export interface GridOptions {
  /** Column titles; default condition, output, real. */
  labels?: readonly [condition: string, fake: string, real: string];
  /** Samples side by side; default: as many as fit into about a thousand pixels. */
  across?: number;
}

type Colour = readonly [number, number, number];
const BACKGROUND: Colour = [247, 247, 245]; // an opaque card: reads the same on a light and on a dark page
const BORDER: Colour = [205, 205, 202];
const INK: Colour = [40, 40, 44];
const FAINT: Colour = [112, 112, 116];
const NOT_A_NUMBER: Colour = [255, 0, 255]; // loud on purpose: black would pass for a dark picture

const MIN_CELL = 108; // wide enough for "condition"
const COMFORTABLE_WIDTH = 1000;
const TEXT_SCALE = 2;
const MARGIN = 16;
const CELL_GAP = 6;
const SAMPLE_GAP = 28;
const ROW_GAP = 12;
const LINE = GLYPH_HEIGHT * TEXT_SCALE + 4;
const HEADER = LINE + 6;

/**
 * Draws samples as a table, condition, output and target beside each other, and returns it as a PNG file.
 * Small pictures are enlarged by a whole factor without smoothing, so that cells are at least 108 pixels on a side.
 * @param width pixels of each picture, @param height likewise
 * @throws PixtapeError when a picture does not have C·H·W values, or there is no sample.
 */
export function sampleGrid(
  rows: readonly SampleRow[],
  width: number,
  height: number,
  { labels = ['condition', 'output', 'real'], across }: GridOptions = {},
): Uint8Array {
  if (rows.length === 0) throw new PixtapeError('A sample grid needs at least one sample.');
  const scale = Math.max(1, Math.ceil(MIN_CELL / Math.min(width, height)));
  const cellWidth = width * scale;
  const cellHeight = height * scale;
  const tripleWidth = 3 * cellWidth + 2 * CELL_GAP;
  const columns = across ?? columnsFor(rows.length, tripleWidth);
  const named = rows.some((row) => row.name);
  const rowHeight = cellHeight + (named ? LINE : 0);
  const lines = Math.ceil(rows.length / columns);
  const picture = new Canvas(
    2 * MARGIN + columns * tripleWidth + (columns - 1) * SAMPLE_GAP,
    2 * MARGIN + HEADER + lines * rowHeight + (lines - 1) * ROW_GAP,
  );

  for (let column = 0; column < Math.min(columns, rows.length); column++) {
    labels.forEach((label, i) => {
      const x = MARGIN + column * (tripleWidth + SAMPLE_GAP) + i * (cellWidth + CELL_GAP);
      picture.text(label, x, MARGIN, cellWidth, INK, 'centre');
    });
  }
  rows.forEach((row, index) => {
    const x = MARGIN + (index % columns) * (tripleWidth + SAMPLE_GAP);
    let y = MARGIN + HEADER + Math.floor(index / columns) * (rowHeight + ROW_GAP);
    if (row.name) picture.text(row.name, x, y, tripleWidth, FAINT, 'left');
    if (named) y += LINE;
    (['condition', 'fake', 'real'] as const).forEach((part, i) => {
      const where = `${part} of sample ${row.name ?? index + 1}`;
      picture.image(row[part], width, height, scale, x + i * (cellWidth + CELL_GAP), y, where);
    });
  });
  return picture.encode();
}

/** As many as fit, but no ragged last line where fewer columns give as few lines. */
function columnsFor(samples: number, tripleWidth: number): number {
  const fit = Math.max(1, Math.floor((COMFORTABLE_WIDTH - 2 * MARGIN + SAMPLE_GAP) / (tripleWidth + SAMPLE_GAP)));
  const lines = Math.ceil(samples / fit);
  return Math.ceil(samples / lines);
}

class Canvas {
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
    if (channels !== 1 && channels !== 3) {
      throw new PixtapeError(
        `The ${where} has ${values.length} values; ${width}×${height} pixels take ${plane} (grey) or ${3 * plane} (RGB).`,
      );
    }
    this.fill(x - 1, y - 1, width * scale + 2, height * scale + 2, BORDER);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = row * width + column;
        const red = values[at] as number;
        const green = channels === 1 ? red : (values[plane + at] as number);
        const blue = channels === 1 ? red : (values[2 * plane + at] as number);
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
