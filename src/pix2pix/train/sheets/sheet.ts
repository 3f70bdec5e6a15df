import { PixtapeError } from '../../../engine/util/errors.ts';
import { CELL_GAP, COMFORTABLE_WIDTH, MARGIN, MIN_CELL, SheetCanvas } from './canvas.ts';
import { FAINT, INK, LINE } from './labels.ts';

/** Pictures in rows under a title. */
export interface SheetSection {
  title: string;
  /** Pictures, CHW, values in [0, 1], C = 1 or 3. Rows may have names. */
  rows: readonly { name?: string; pictures: readonly Float32Array[] }[];
}

const SECTION_GAP = 18;

/**
 * Draws rows of square pictures as a PNG file. Small ones are enlarged by an integer factor without smoothing, limited
 * to about a thousand pixels for the longest row.
 * @param side pixels of each picture
 * @throws PixtapeError if there is no picture, or one does not have C · side² values
 */
export async function pictureSheet(sections: readonly SheetSection[], side: number): Promise<Uint8Array> {
  const longest = Math.max(0, ...sections.flatMap(({ rows }) => rows.map(({ pictures }) => pictures.length)));
  if (longest === 0) throw new PixtapeError('a sheet needs at least one picture');
  const room = Math.floor((COMFORTABLE_WIDTH - 2 * MARGIN + CELL_GAP) / longest) - CELL_GAP;
  const scale = Math.max(1, Math.min(Math.ceil(MIN_CELL / side), Math.floor(room / side)));
  const cell = side * scale + CELL_GAP;
  const heights = sections.map(({ rows }) => {
    return LINE + rows.reduce((sum, { name }) => sum + cell + (name === undefined ? 0 : LINE), 0) + SECTION_GAP;
  });
  const width = 2 * MARGIN + longest * cell - CELL_GAP;
  const height = 2 * MARGIN + heights.reduce((a, b) => a + b, 0) - CELL_GAP - SECTION_GAP;
  const canvas = new SheetCanvas(width, height);
  const line = (top: number) => ({ x: MARGIN, y: top, width: width - 2 * MARGIN, align: 'left' as const });
  let y = MARGIN;
  for (const { title, rows } of sections) {
    canvas.text({ text: title, ...line(y), colour: INK });
    y += LINE;
    for (const { name, pictures } of rows) {
      if (name !== undefined) {
        canvas.text({ text: name, ...line(y), colour: FAINT });
        y += LINE;
      }
      pictures.forEach((picture, i) => {
        canvas.image(picture, side, side, scale, MARGIN + i * cell, y, `picture ${i + 1} of ${name ?? title}`);
      });
      y += cell;
    }
    y += SECTION_GAP;
  }
  return canvas.encode();
}
