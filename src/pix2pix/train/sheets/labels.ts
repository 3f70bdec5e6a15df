import { createRequire } from 'node:module';
import sharp from 'sharp';
import { configureFonts, escapeXml } from './fonts.ts';

export const INK = '#28282c';
export const FAINT = '#707074';
/** The height of a line of text in pixels, and where its baseline is. */
export const LINE = 22;
const BASELINE = 15;
const FONT_SIZE = 15;

/** A line of text in a box that begins at (x, y). */
export interface Label {
  text: string;
  x: number;
  y: number;
  width: number;
  colour: string;
  align: 'left' | 'centre';
}

/**
 * Renders the labels as an SVG of this size. The font comes from an npm package, so that they look the same on
 * machines with and without fonts. Characters that it lacks come from the system's fonts.
 */
export async function labelsSvg(labels: readonly Label[], width: number, height: number): Promise<string> {
  const texts: string[] = [];
  for (const { text, x, y, width: room, colour, align } of labels) {
    const [left, anchor] = align === 'left' ? [x, 'start'] : [x + room / 2, 'middle'];
    const fitted = escapeXml(await shorten(text, room));
    texts.push(`<text x="${left}" y="${y + BASELINE}" fill="${colour}" text-anchor="${anchor}">${fitted}</text>`);
  }
  const style = `font-family="DejaVu Sans, sans-serif" font-size="${FONT_SIZE}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${style}>${texts.join('')}</svg>`;
}

/** Shortens a text to the width, with an ellipsis. */
async function shorten(text: string, room: number): Promise<string> {
  const letters = [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].map((s) => s.segment);
  let fitted = text;
  for (let count = letters.length; ; ) {
    const width = await widthOf(fitted);
    if (width <= room || count === 0) return fitted;
    count = Math.min(count - 1, Math.floor((count * room) / width));
    fitted = `${letters.slice(0, count).join('').trimEnd()}…`;
  }
}

const widths = new Map<string, number>();

/**
 * Measures a text in pixels. Uses sharp's text input, which loads the font file; from then on its SVG renderer finds
 * the font, too.
 */
async function widthOf(text: string): Promise<number> {
  const escaped = escapeXml(text);
  const known = escaped.trim() === '' ? 0 : widths.get(text);
  if (known !== undefined) return known;
  const fontfile = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
  const input = { text: escaped, dpi: 72, font: `DejaVu Sans ${FONT_SIZE}`, fontfile };
  await configureFonts();
  const { info } = await sharp({ text: input }).raw().toBuffer({ resolveWithObject: true });
  if (widths.size > 1000) widths.clear();
  widths.set(text, info.width);
  return info.width;
}
