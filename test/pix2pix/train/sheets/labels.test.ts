import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { INK, LINE, labelsSvg } from '../../../../src/pix2pix/train/sheets/labels.ts';

// This process finds no fonts of the system, as in a bare container. Fontconfig reads the variable with the first text.
const folder = mkdtempSync(join(tmpdir(), 'pixtape-fonts-'));
process.env.FONTCONFIG_FILE = join(folder, 'fonts.conf');
writeFileSync(
  process.env.FONTCONFIG_FILE,
  `<?xml version="1.0"?><fontconfig><dir>${join(folder, 'none')}</dir><cachedir>${folder}</cachedir></fontconfig>`,
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The ink of a label in a box of this width: the opacities of its pixels. */
async function ink(text: string, width = 200): Promise<Buffer> {
  const svg = await labelsSvg([{ text, x: 0, y: 0, width, colour: INK, align: 'left' }], 400, LINE);
  return sharp(Buffer.from(svg)).ensureAlpha().extractChannel(3).raw().toBuffer();
}

/** The column after the last one with ink. */
function end(pixels: Buffer): number {
  return Math.max(0, ...pixels.map((opacity, i) => (opacity > 0 ? (i % 400) + 1 : 0)));
}

it('draws letters, capitals and accents without any font of the system', async () => {
  const words = ['fleche', 'flèche', 'Fleche', 'FLÈCHE', 'ﬂéche', 'Größe', 'Łódź', 'Ж'];
  const drawn = await Promise.all(words.map((word) => ink(word)));
  expect(new Set(drawn.map((pixels) => pixels.toString('base64'))).size).toBe(words.length);
  // Placeholder boxes would be equally wide.
  expect(end(await ink('iiii'))).toBeLessThan(0.5 * end(await ink('MMMM')));
  expect(end(await ink('plain'))).toBeGreaterThan(20);
});

it('shortens what does not fit', async () => {
  const long = 'a name that is much longer than its box';
  expect(end(await ink(long, 380))).toBeGreaterThan(200);
  const short = end(await ink(long, 100));
  expect(short).toBeGreaterThan(60);
  expect(short).toBeLessThanOrEqual(101);
  expect(end(await ink('MMMM', 3))).toBeLessThan(20);
});

it('does not interpret any text as markup', async () => {
  expect((await ink('a < b & c > d')).equals(await ink('a b c d'))).toBe(false);
  expect((await ink('a\u0007b')).equals(await ink('ab'))).toBe(true);
  for (const blank of ['', ' ', '\n']) expect(end(await ink(blank))).toBe(0);
});
