import { mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../../src/pix2pix/data/image/decode.ts';
import { fitPicture, scaleSmoothly } from '../../../../src/pix2pix/data/image/fit_picture.ts';
import { gray } from '../../../../src/pix2pix/data/image/gray.ts';
import { cut, type Raster } from '../../../../src/pix2pix/data/image/raster.ts';
import { combineFolders, splitPairs } from '../../../../src/pix2pix/data/make/build_pairs.ts';
import { edges } from '../../../../src/pix2pix/data/make/edges.ts';
import { pairsFromPictures } from '../../../../src/pix2pix/data/make/from_pictures.ts';
import { draw, drawPair, encode, pattern, scratch } from '../pictures.ts';

const at = scratch();
function quiet() {
  const warnings: string[] = [];
  return { skipBad: false, warn: (line: string) => warnings.push(line), warnings };
}
const plainly = { condition: gray, fit: 'crop' as const };
const raster = (width: number, height: number, value: (c: number, y: number, x: number) => number): Raster => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) =>
    value(Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width),
  ),
});

describe('split', () => {
  it('is reversed by combine, byte for byte, with train and test kept and 16 bits kept', async () => {
    await drawPair(at('pairs/train/a.png'), 1, 7, 5);
    await drawPair(at('pairs/train/b.png'), 2, 8, 9);
    const words = Uint16Array.from({ length: 3 * 12 * 4 }, (_, i) => (i * 977) & 65535);
    await mkdir(at('pairs/val'));
    const wide = sharp(words, { raw: { width: 12, height: 4, channels: 3 } });
    await writeFile(at('pairs/val/c.png'), await wide.toColourspace('rgb16').png().toBuffer());
    expect(await splitPairs(at('pairs'), at('apart'), quiet())).toEqual({ train: 2, test: 1 });
    expect(await readdir(at('apart/A/train'))).toEqual(['a.png', 'b.png']);
    expect(await combineFolders(at('apart/A'), at('apart/B'), at('again'), quiet())).toEqual({ train: 2, test: 1 });
    for (const [from, to] of [
      ['train/a', 'train/a'],
      ['train/b', 'train/b'],
      ['val/c', 'test/c'],
    ]) {
      expect(await decode(at(`again/${to}.png`))).toEqual(await decode(at(`pairs/${from}.png`)));
    }
    // Pairs that were written here even give the same files again.
    await splitPairs(at('again'), at('apart2'), quiet());
    await combineFolders(at('apart2/A'), at('apart2/B'), at('third'), quiet());
    for (const name of ['train/a', 'train/b', 'test/c']) {
      expect(await readFile(at(`third/${name}.png`))).toEqual(await readFile(at(`again/${name}.png`)));
    }
  });

  it('names what it cannot split, and leaves no files', async () => {
    await drawPair(at('pairs/1.png'), 1);
    await drawPair(at('pairs/2.png'), 2);
    await truncate(at('pairs/2.png'), 150);
    await draw(at('pairs/odd.png'), 15, 6, pattern(1));
    await expect(splitPairs(at('pairs'), at('out'), quiet())).rejects.toThrow(/odd\.png is 15 pixels wide/);
    await drawPair(at('pairs/odd.png'), 3);
    await expect(splitPairs(at('pairs'), at('out'), quiet())).rejects.toThrow(/2\.png is cut short or damaged/);
    expect(await readdir(at())).toEqual(['pairs']);
    const skipping = { ...quiet(), skipBad: true };
    expect(await splitPairs(at('pairs'), at('out'), skipping)).toEqual({ train: 2, test: 0 });
    expect(skipping.warnings).toEqual([expect.stringMatching(/2\.png .*left out/)]);
    await expect(splitPairs(at('out'), at('out2'), quiet())).rejects.toThrow('has its sides apart already');
  });
});

describe('pairs from pictures', () => {
  it('reads every kind of picture and nested folders, and holds out by name', async () => {
    const rgb = encode(10, 6, pattern(1));
    await mkdir(at('in/deep/er'), { recursive: true });
    await rgb
      .clone()
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation: 6 })
      .toFile(at('in/turned.jpg'));
    await rgb.clone().grayscale().toFile(at('in/grey.png'));
    await rgb.clone().png({ palette: true }).toFile(at('in/palette.png'));
    await rgb.clone().ensureAlpha(0).toFile(at('in/deep/clear.webp'));
    await rgb.clone().toColourspace('rgb16').png().toFile(at('in/deep/er/wide.png'));
    expect(await pairsFromPictures(at('in'), at('out'), { ...plainly, ...quiet(), test: 0.3 })).toEqual({
      train: 3,
      test: 2,
    });
    const files = (await Promise.all(['train', 'test'].map((part) => readdir(at('out', part))))).flat().sort();
    expect(files).toEqual(['deep-clear.png', 'deep-er-wide.png', 'grey.png', 'palette.png', 'turned.png']);
    const find = async (name: string) => decode(at('out/train', name)).catch(() => decode(at('out/test', name)));
    const turned = await find('turned.png');
    expect([turned.width, turned.height]).toEqual([12, 10]);
    expect((await find('deep-clear.png')).data.every((value) => value === 255)).toBe(true);
    const wide = await find('deep-er-wide.png');
    expect(wide.data).toBeInstanceOf(Uint16Array);
    expect(cut(wide, 0, 0, 10, 6)).toEqual(await decode(at('in/deep/er/wide.png')));
    expect(cut(wide, 10, 0, 10, 6)).toEqual(gray(cut(wide, 0, 0, 10, 6)));
    const again = await pairsFromPictures(at('in'), at('out2'), { ...plainly, ...quiet(), test: 0.3 });
    expect(again).toEqual({ train: 3, test: 2 });
    expect(await readdir(at('out2/test'))).toEqual(await readdir(at('out/test')));
  });

  it('visits each folder once, even with cyclic links', async () => {
    await draw(at('in/a.png'), 8, 8, pattern(1));
    await draw(at('other/b.png'), 8, 8, pattern(2));
    await symlink(at('in'), at('in/self'), 'junction');
    await symlink(at('other'), at('in/linked'), 'junction');
    await symlink(at('in'), at('other/back'), 'junction');
    expect(await pairsFromPictures(at('in'), at('out'), { ...plainly, ...quiet() })).toEqual({ train: 2, test: 0 });
    expect((await readdir(at('out'))).sort()).toEqual(['a.png', 'linked-b.png']);
  });

  it('reports pictures outside of train and test', async () => {
    for (const name of ['train/a', 'train/b', 'val/c', 'cars/d', 'e'])
      await draw(at(`in/${name}.png`), 8, 8, pattern(1));
    const told = { ...plainly, ...quiet() };
    expect(await pairsFromPictures(at('in'), at('out'), told)).toEqual({ train: 2, test: 1 });
    expect(told.warnings).toEqual([expect.stringMatching(/only what is in train and the test folder .*\(2\)/)]);
  });

  it('names bad files, refuses a folder that is not empty, and is complete or not at all', async () => {
    await draw(at('in/good.png'), 8, 8, pattern(1));
    await draw(at('in/good.webp'), 8, 8, pattern(2));
    await expect(pairsFromPictures(at('in'), at('out'), { ...plainly, ...quiet() })).rejects.toThrow(
      /good\.webp has the same name as .*good\.png/,
    );
    await writeFile(at('in/text.png'), 'no picture');
    await draw(at('in/short.png'), 30, 30, pattern(3));
    await truncate(at('in/short.png'), 300);
    const skipping = { ...plainly, ...quiet(), skipBad: true };
    expect(await pairsFromPictures(at('in'), at('out'), skipping)).toEqual({ train: 1, test: 0 });
    expect(skipping.warnings.map((line) => /in.(\S+)/.exec(line)?.[1]).sort()).toEqual([
      'good.webp',
      'short.png',
      'text.png',
    ]);
    await expect(pairsFromPictures(at('in'), at('out'), skipping)).rejects.toThrow('out is not empty');
    await expect(pairsFromPictures(at('none'), at('out2'), skipping)).rejects.toThrow('there is no folder');
    await mkdir(at('empty'));
    await expect(pairsFromPictures(at('empty'), at('out2'), skipping)).rejects.toThrow('there is no picture in');
    expect((await readdir(at())).sort()).toEqual(['empty', 'in', 'out']);
  });
});

describe('gray', () => {
  it('is BT.601 luma in three channels, and does not change grey', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, (r, g, b) => {
        const { data } = gray({ width: 1, height: 1, data: Uint8Array.of(r, g, b) });
        expect([...data]).toEqual(Array(3).fill(Math.round(0.299 * r + 0.587 * g + 0.114 * b)));
        expect(gray({ width: 1, height: 1, data }).data).toEqual(data);
      }),
    );
    const words = gray({ width: 1, height: 1, data: Uint16Array.of(65535, 0, 0) });
    expect([...words.data]).toEqual(Array(3).fill(Math.round(0.299 * 65535)));
  });
});

describe('edges', () => {
  const black = ({ width, height, data }: Raster) =>
    Array.from({ length: width * height }, (_, i) => i).filter((i) => data[i] === 0);

  it('of a square are its outline, one pixel thick, within a pixel of its place', () => {
    const square = raster(40, 40, (_, y, x) => (x >= 10 && x < 30 && y >= 12 && y < 28 ? 30 : 220));
    const lines = edges(square);
    expect(new Set(lines.data)).toEqual(new Set([0, 255]));
    const pixels = black(lines).map((i) => [i % 40, Math.floor(i / 40)] as const);
    for (const [x, y] of pixels) {
      const toSide = Math.min(Math.abs(x - 9.5), Math.abs(x - 29.5), Math.abs(y - 11.5), Math.abs(y - 27.5));
      expect(toSide).toBeLessThanOrEqual(1);
      expect(x >= 8 && x <= 31 && y >= 10 && y <= 29).toBe(true);
    }
    // Each row through the middle crosses both sides once.
    for (let y = 16; y < 24; y++) expect(pixels.filter(([, row]) => row === y)).toHaveLength(2);
    for (let x = 15; x < 25; x++) expect(pixels.filter(([column]) => column === x)).toHaveLength(2);
  });

  it('distinguish colours of equal brightness, and find nothing in a gradient or a plain area', () => {
    const two = raster(24, 10, (c, _, x) => (x < 12 ? [200, 50, 60][c]! : [33, 135, 60][c]!));
    const half = edges(two);
    expect(black(half).length).toBe(10);
    expect(black(edges(raster(64, 16, (_, y, x) => 2 * x + y)))).toEqual([]);
    expect(black(edges(raster(9, 9, () => 128)))).toEqual([]);
  });

  it('become fewer with a higher threshold, and follow fading contrast', () => {
    const fading = raster(60, 20, (_, y, x) => (y < 10 ? 128 : 128 + Math.round((100 * (60 - x)) / 60)));
    const count = (threshold: number) => black(edges(fading, { sigma: 1, threshold })).length;
    const counts = [0.05, 0.1, 0.2, 0.3].map(count);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
    expect(counts[0]).toBeGreaterThan(counts[3]!);
    expect(count(0.9)).toBe(0);
    // Contrast exceeds 0.2 (about 0.13 after the blur) in the first third; the line continues to 0.4 of that.
    expect(count(0.2)).toBeGreaterThan(30);
  });
});

describe('fitPicture', () => {
  const size = fc.integer({ min: 1, max: 23 });

  it('gives the requested size, and keeps a plain colour', () => {
    fc.assert(
      fc.property(
        size,
        size,
        size,
        size,
        fc.constantFrom('crop', 'pad', 'keep' as const),
        (w, h, width, height, fit) => {
          const fitted = fitPicture(
            raster(w, h, (c) => 60 * c + 10),
            { width, height },
            fit,
          );
          const inside = fitted.width <= width && fitted.height <= height;
          expect(fit === 'keep' ? inside : fitted.width === width && fitted.height === height).toBe(true);
          const plane = fitted.width * fitted.height;
          const values = [0, 1, 2].map((c) => new Set(fitted.data.subarray(c * plane, (c + 1) * plane)));
          values.forEach((set, c) => {
            set.delete(60 * c + 10);
            expect([...set]).toEqual(fit === 'pad' && set.size > 0 ? [255] : []);
          });
        },
      ),
    );
  });

  it('crops the middle and pads evenly', () => {
    const wide = raster(12, 4, (_, __, x) => 20 * x);
    expect([...fitPicture(wide, { width: 4, height: 4 }, 'crop').data.subarray(0, 4)]).toEqual([80, 100, 120, 140]);
    const padded = fitPicture(wide, { width: 12, height: 8 }, 'pad');
    expect(padded.data[0]).toBe(255);
    expect(cut(padded, 0, 2, 12, 4)).toEqual(wide);
  });

  it('averages as it shrinks: a fine check becomes grey', () => {
    const check = raster(32, 32, (_, y, x) => 255 * ((x + y) % 2));
    const small = scaleSmoothly(check, 8, 8);
    expect(Math.max(...small.data) - Math.min(...small.data)).toBeLessThan(4);
  });
});
