import { readdir, rename } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../../../src/pix2pix/data/image/decode.ts';
import type { Raster } from '../../../../src/pix2pix/data/image/raster.ts';
import { exportFacades } from '../../../../src/pix2pix/data/make/build_pairs.ts';
import { drawFacade, FACADE_SIDE } from '../../../../src/pix2pix/data/sources/facades/draw.ts';
import {
  FACADE_CLASSES,
  FACADE_COLOURS,
  type FacadeClass,
} from '../../../../src/pix2pix/data/sources/facades/picture/classes.ts';
import { openDataset } from '../../../../src/pix2pix/data/sources/open.ts';
import { options, scratch } from '../pictures.ts';

const at = scratch();
const SIZE = FACADE_SIDE ** 2;
const quietly = { skipBad: false, warn: () => undefined };
const numbers = new Map(FACADE_COLOURS.map(([r, g, b], i) => [(r << 16) | (g << 8) | b, i]));

/** Class numbers of the pixels of a label picture; 255 for a colour that is not in the palette. */
function classesOf({ data }: Raster): Uint8Array {
  const code = (i: number) => (data[i]! << 16) | (data[SIZE + i]! << 8) | data[2 * SIZE + i]!;
  return Uint8Array.from({ length: SIZE }, (_, i) => numbers.get(code(i)) ?? 255);
}

/** Per class: pixels, mean green, first and last row relative to the height. */
function measure({ picture, labels }: { picture: Raster; labels: Raster }) {
  const stats = FACADE_CLASSES.map(() => ({ pixels: 0, green: 0, first: 1, last: 0 }));
  classesOf(labels).forEach((c, i) => {
    const stat = stats[c]!;
    const row = Math.floor(i / FACADE_SIDE) / FACADE_SIDE;
    stat.pixels++;
    stat.green += picture.data[SIZE + i]!;
    stat.first = Math.min(stat.first, row);
    stat.last = row;
  });
  return Object.fromEntries(FACADE_CLASSES.map((name, c) => [name, stats[c]!])) as Record<
    FacadeClass,
    (typeof stats)[0]
  >;
}

describe('drawn facades', () => {
  let facades: ReturnType<typeof drawFacade>[];
  let measured: ReturnType<typeof measure>[];
  beforeAll(() => {
    facades = Array.from({ length: 14 }, (_, i) => drawFacade(7, i));
    measured = facades.map(measure);
  });

  it('depend on the seed and the index only', () => {
    const bytes = ({ picture }: { picture: Raster }) => Buffer.from(picture.data).toString('latin1');
    const again = drawFacade(7, 3);
    expect(bytes(again)).toBe(bytes(facades[3]!));
    expect(classesOf(again.labels)).toEqual(classesOf(facades[3]!.labels));
    expect(new Set([...facades, drawFacade(8, 3)].map(bytes)).size).toBe(15);
  });

  it('have label maps of only the palette’s twelve colours, and together use all twelve', () => {
    expect(numbers.size).toBe(12);
    const seen = new Set(facades.flatMap(({ labels }) => [...new Set(classesOf(labels))]));
    expect([...seen].sort((a, b) => a - b)).toEqual(FACADE_CLASSES.map((_, i) => i));
  });

  it('have walls, windows above, and a door at street level', () => {
    for (const { facade, window, door } of measured) {
      expect(facade.pixels).toBeGreaterThan(0.2 * SIZE);
      expect(window.pixels).toBeGreaterThan(0.03 * SIZE);
      expect(door.pixels).toBeGreaterThan(0.003 * SIZE);
      expect(door.last).toBeGreaterThan(0.85);
      expect(door.first).toBeGreaterThan(window.first);
    }
  });

  it('match their label maps: windows are darker than walls in most houses', () => {
    const mean = ({ green, pixels }: { green: number; pixels: number }) => green / pixels;
    const darker = measured.filter(({ facade, window }) => mean(window) < mean(facade));
    expect(darker.length).toBeGreaterThan(10);
  });

  it('cannot be predicted from their label maps: the best green per class is far off', () => {
    // A network that knows only averages reaches this: it blurs, and scores no better.
    const best = FACADE_CLASSES.map((name) => {
      const all = measured.map((stats) => stats[name]);
      return all.reduce((sum, { green }) => sum + green, 0) / all.reduce((sum, { pixels }) => sum + pixels, 0);
    });
    let error = 0;
    for (const { picture, labels } of facades) {
      classesOf(labels).forEach((c, i) => {
        error += Math.abs(picture.data[SIZE + i]! - best[c]!);
      });
    }
    expect(error / (facades.length * SIZE * 255)).toBeGreaterThan(0.08);
  });
});

describe('--data facades-toy', () => {
  it('gives the pairs that `data facades` writes, for any direction and size', async () => {
    const made = await exportFacades(at('out'), { count: 5, seed: 0, format: 'png', ...quietly });
    expect(made).toEqual({ train: 4, test: 1 });
    const size = { width: 32, height: 64, jitter: true, resize: 'bilinear' } as const;
    for (const direction of ['BtoA', 'AtoB'] as const) {
      const toy = await openDataset(options('', { data: 'facades-toy', maxDatasetSize: 4, direction, ...size }));
      const folder = await openDataset(options(at('out'), { direction, ...size }));
      expect([toy.train.length, toy.test.length]).toEqual([4, 100]);
      const { name: _, ...pair } = await toy.train.pair(2);
      expect(await folder.train.pair(2)).toEqual({ name: '3', ...pair });
    }
    expect((await openDataset(options('', { data: 'facades-toy' }))).summary).toMatch(/^400 pairs .* 100 held out/);
  });

  it('accepts the layout of the real set, JPEG with a val folder, at the tutorial’s size', async () => {
    await exportFacades(at('out'), { count: 5, seed: 1, format: 'jpg', ...quietly });
    await exportFacades(at('more'), { count: 2, seed: 2, format: 'jpg', ...quietly });
    await rename(at('more/train'), at('out/val'));
    expect(await readdir(at('out/train'))).toEqual(['1.jpg', '2.jpg', '3.jpg', '4.jpg']);
    const { width, height } = await decode(at('out/train/1.jpg'));
    expect([width, height]).toEqual([512, 256]);
    const { train, test } = await openDataset(options(at('out'), { width: 256, height: 256 }));
    expect([train.length, test.length]).toEqual([4, 1]);
    const { real, condition } = await train.pair(0);
    const { picture, labels } = drawFacade(1, 0);
    const off = (side: Float32Array, { data }: Raster) =>
      side.reduce((sum, value, i) => sum + Math.abs(255 * value - data[i]!), 0) / side.length;
    expect(off(real, picture)).toBeLessThan(3);
    expect(off(condition, labels)).toBeLessThan(3);
  });
});
