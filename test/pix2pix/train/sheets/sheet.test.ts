import { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import { pictureSheet } from '../../../../src/pix2pix/train/sheets/sheet.ts';

const plain = (value: number) => new Float32Array(3 * 8 * 8).fill(value);

it('draws rows of pictures, enlarged by a whole factor, below their titles', async () => {
  const rows = [{ name: 'smile', pictures: [plain(0), plain(1)] }, { pictures: [plain(0.5)] }];
  const { width, height, data } = PNG.sync.read(Buffer.from(await pictureSheet([{ title: 'fixed noise', rows }], 8)));
  // Two cells of 8 · 14 = 112 pixels, 6 between them, 16 at each side.
  expect(width).toBe(2 * 112 + 6 + 32);
  const at = (x: number, y: number) => data[(y * width + x) * 4];
  const lines = Array.from({ length: height }, (_, y) => at(30, y));
  expect(lines.filter((v) => v === 0).length).toBe(112);
  expect(lines.filter((v) => v === 128).length).toBe(112);
  expect(at(16 + 112 + 6 + 20, lines.indexOf(0) + 5)).toBe(255);
});

it('keeps long rows within about a thousand pixels', async () => {
  const wide = await pictureSheet(
    [{ title: 'strip', rows: [{ pictures: Array.from({ length: 40 }, () => plain(0)) }] }],
    8,
  );
  expect(PNG.sync.read(Buffer.from(wide)).width).toBeLessThanOrEqual(1000);
});

it('refuses an empty sheet and a picture of another size', async () => {
  await expect(pictureSheet([], 8)).rejects.toThrow(/at least one picture/);
  await expect(pictureSheet([{ title: 'a', rows: [{ pictures: [new Float32Array(5)] }] }], 8)).rejects.toThrow(
    /picture 1 of a/,
  );
});
