import { PixtapeError } from '../../../engine/util/errors.ts';
import { CELL_GAP, COMFORTABLE_WIDTH, MARGIN, MIN_CELL, SheetCanvas } from './canvas.ts';
import { FAINT, INK, LINE } from './labels.ts';

/** One sample: three pictures of the same size, (C, H, W) in [0, 1], C = 1 or 3. */
export interface SampleRow {
  condition: Float32Array;
  fake: Float32Array;
  real: Float32Array;
  /** Drawn above the pictures, if given. */
  name?: string;
}

/** A row of pictures, all of the same size. */
export interface PictureRow {
  pictures: readonly Float32Array[];
  name?: string;
}

interface TableOptions {
  /** Samples per line; by default as many as fit into about a thousand pixels. */
  across?: number;
}

export interface GridOptions extends TableOptions {
  /** Column titles; default condition, output, real. */
  labels?: readonly [condition: string, fake: string, real: string];
}

const SAMPLE_GAP = 28;
const ROW_GAP = 12;
const HEADER = LINE + 6;

/**
 * Draws samples as a table of condition, output and real picture, and returns a PNG file; see `pictureTable`.
 */
export function sampleGrid(
  rows: readonly SampleRow[],
  width: number,
  height: number,
  { labels = ['condition', 'output', 'real'], ...options }: GridOptions = {},
): Promise<Uint8Array> {
  const pictures = rows.map(({ condition, fake, real, ...row }) => ({ ...row, pictures: [condition, fake, real] }));
  return pictureTable(pictures, labels, width, height, options);
}

/**
 * Draws rows of pictures under column titles, and returns a PNG file. Small pictures are enlarged by an integer factor
 * without smoothing, so that cells have sides of at least 108 pixels.
 * @param width pixels of each picture, @param height likewise
 * @throws PixtapeError if a picture does not have C·H·W values, or there is no sample
 */
export async function pictureTable(
  rows: readonly PictureRow[],
  labels: readonly string[],
  width: number,
  height: number,
  { across }: TableOptions = {},
): Promise<Uint8Array> {
  if (rows.length === 0) throw new PixtapeError('A sample grid needs at least one sample.');
  const scale = Math.max(1, Math.ceil(MIN_CELL / Math.min(width, height)));
  const cellWidth = width * scale;
  const cellHeight = height * scale;
  const sampleWidth = labels.length * (cellWidth + CELL_GAP) - CELL_GAP;
  const columns = across ?? columnsFor(rows.length, sampleWidth);
  const named = rows.some((row) => row.name);
  const rowHeight = cellHeight + (named ? LINE : 0);
  const lines = Math.ceil(rows.length / columns);
  const picture = new SheetCanvas(
    2 * MARGIN + columns * sampleWidth + (columns - 1) * SAMPLE_GAP,
    2 * MARGIN + HEADER + lines * rowHeight + (lines - 1) * ROW_GAP,
  );

  for (let column = 0; column < Math.min(columns, rows.length); column++) {
    labels.forEach((label, i) => {
      const x = MARGIN + column * (sampleWidth + SAMPLE_GAP) + i * (cellWidth + CELL_GAP);
      picture.text({ text: label, x, y: MARGIN, width: cellWidth, colour: INK, align: 'centre' });
    });
  }
  rows.forEach((row, index) => {
    const x = MARGIN + (index % columns) * (sampleWidth + SAMPLE_GAP);
    let y = MARGIN + HEADER + Math.floor(index / columns) * (rowHeight + ROW_GAP);
    if (row.name) picture.text({ text: row.name, x, y, width: sampleWidth, colour: FAINT, align: 'left' });
    if (named) y += LINE;
    row.pictures.forEach((values, i) => {
      const where = `${labels[i]} of sample ${row.name ?? index + 1}`;
      picture.image(values, width, height, scale, x + i * (cellWidth + CELL_GAP), y, where);
    });
  });
  return picture.encode();
}

/** As many columns as fit, but no more than the number of lines needs. */
function columnsFor(samples: number, sampleWidth: number): number {
  const fit = Math.max(1, Math.floor((COMFORTABLE_WIDTH - 2 * MARGIN + SAMPLE_GAP) / (sampleWidth + SAMPLE_GAP)));
  const lines = Math.ceil(samples / fit);
  return Math.ceil(samples / lines);
}
