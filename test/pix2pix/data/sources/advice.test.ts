import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodePng } from '../../../../src/pix2pix/data/image/picture.ts';
import { beside, type Raster } from '../../../../src/pix2pix/data/image/raster.ts';
import { checkFolder } from '../../../../src/pix2pix/data/make/check.ts';
import { labelColours } from '../../../../src/pix2pix/data/sets/traits.ts';
import { drawFacade } from '../../../../src/pix2pix/data/sources/facades/draw.ts';
import { openDataset } from '../../../../src/pix2pix/data/sources/open.ts';
import { makeTiff } from '../decoders/make_tiff.ts';
import { options, scratch } from '../pictures.ts';

const at = scratch();

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

const facades = Array.from({ length: 5 }, (_, i) => drawFacade(0, i));
const LABELS = /the conditions look like label maps \(\d+ flat colours\).*--resize nearest/;

async function warnings(more: Parameters<typeof options>[1]): Promise<string[]> {
  const asked = options(at(), more);
  await openDataset(asked);
  return asked.warnings;
}

describe('maps of labels', () => {
  it('are detected if bilinear resizing would blend them, as PNG and as JPEG', async () => {
    for (const format of ['png', 'jpg'] as const) {
      for (const [i, { picture, labels }] of facades.entries()) {
        const png = await encodePng(beside(picture, labels));
        const file = format === 'png' ? png : await sharp(png).jpeg({ quality: 90 }).toBuffer();
        await write(at(format, `${i}.${format}`), file);
      }
      const asked = { dataroot: at(format), width: 64, height: 64 };
      expect(await warnings({ ...asked, resize: 'bilinear' })).toEqual([expect.stringMatching(LABELS)]);
      expect(await warnings({ ...asked, resize: 'nearest' })).toEqual([]);
      // The photograph is the condition, or pictures keep their size.
      expect(await warnings({ ...asked, resize: 'bilinear', direction: 'AtoB' })).toEqual([]);
      expect(await warnings({ ...asked, resize: 'bilinear', width: 256, height: 256 })).toEqual([]);
      expect(await warnings({ ...asked, resize: 'bilinear', width: 256, height: 256, jitter: true })).toHaveLength(1);
    }
    const { oddities } = await checkFolder(at('png'));
    expect(oddities.map(({ reason }) => reason)).toContain(
      'side B looks like label maps: train with --resize nearest, because bilinear blends them',
    );
    expect(oddities.filter(({ reason }) => reason.includes('side A looks'))).toEqual([]);
  });

  it('class numbers count as colours; gradients, noise and line drawings are not labels', () => {
    const side = 64;
    const of = (value: (x: number, y: number, c: number) => number): Raster => ({
      width: side,
      height: side,
      data: Uint8Array.from({ length: 3 * side * side }, (_, i) => {
        return value(i % side, Math.floor(i / side) % side, Math.floor(i / side / side));
      }),
    });
    expect(labelColours(of((x, y) => Math.floor(x / 16) + 4 * Math.floor(y / 32)))).toBe(8);
    expect(labelColours(of((x, y, c) => 2 * x + y + 20 * c))).toBe(0);
    expect(labelColours(of((x, y, c) => (x * 7919 + y * 104_729 + c * 31) % 256))).toBe(0);
    expect(labelColours(of((x, y) => (Math.abs(x - y) < 2 ? 0 : Math.abs(x - y) < 4 ? 120 : 255)))).toBe(0);
  });
});

it('12 bits in 16 are detected, and values outside of the range', async () => {
  const [width, height] = [16, 8];
  for (let i = 0; i < 4; i++) {
    const data = Uint16Array.from({ length: 3 * width * height }, (_, at) => (at * 37 + i) % 4096);
    await write(at('deep', `${i}.tif`), makeTiff({ width, height, bands: 3, data, photometric: 2 }));
  }
  const asked = { dataroot: at('deep'), width: 8, height: 8 };
  expect(await warnings(asked)).toEqual([
    'values of 16 bits stay below 4096, 12 bits: they look nearly black; --range 0,4095 spreads them',
  ]);
  expect(await warnings({ ...asked, range: { min: 0, max: 4095 } })).toEqual([]);
  expect(await warnings({ ...asked, range: { min: 0, max: 3000 } })).toEqual([
    expect.stringMatching(/up to \d+\.\d % of a picture's values lie outside of --range 0,3000/),
  ]);
  const { oddities } = await checkFolder(at('deep'));
  expect(oddities.map(({ reason }) => reason)).toContain(
    'every picture has 16 bits but values below 4096 only, nearly black: --range 0,4095 spreads them',
  );
});
