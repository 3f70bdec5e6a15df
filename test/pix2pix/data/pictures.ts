import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeEach } from 'vitest';
import type { DataOptions } from '../../../src/pix2pix/data/sets/dataset.ts';

/** A fresh folder for each test, with `at()` for paths in it; all are deleted at the end. */
export function scratch(): (...parts: string[]) => string {
  let root = '';
  let folder = '';
  let count = 0;
  beforeEach(async () => {
    root ||= await mkdtemp(join(tmpdir(), 'pixtape-data-'));
    folder = join(root, String(count++));
    await mkdir(folder);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));
  return (...parts) => join(folder, ...parts);
}

/** Red, green, blue of a pixel, 0 to 255. */
export type Paint = (x: number, y: number) => readonly [number, number, number];

/** A pattern in which no two pixels of a row or column are alike, and different for each seed. */
export const pattern =
  (seed: number): Paint =>
  (x, y) => [(x * 7 + y * 13 + seed * 31) & 255, (x * 3 + y * 5 + seed * 17) & 255, (seed * 50 + x + y) & 255];

export function encode(width: number, height: number, paint: Paint): Sharp {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels.set(paint(x, y), (y * width + x) * 3);
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** Writes a picture; the ending of the name says in which format. */
export async function draw(path: string, width: number, height: number, paint: Paint): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const format = extname(path).slice(1).toLowerCase().replace('jpg', 'jpeg') as 'png' | 'jpeg' | 'webp';
  await writeFile(path, await encode(width, height, paint).toFormat(format).toBuffer());
}

/** Writes a side-by-side pair: pattern 2·seed left, 2·seed + 1 right, each `width` wide. */
export function drawPair(path: string, seed: number, width = 8, height = 6): Promise<void> {
  const [left, right] = [pattern(2 * seed), pattern(2 * seed + 1)];
  return draw(path, 2 * width, height, (x, y) => (x < width ? left(x, y) : right(x - width, y)));
}

/** What a pattern should be decoded to: planes in [0, 1]. */
export function planesOf(seed: number, width = 8, height = 6): Float32Array {
  return Float32Array.from({ length: 3 * width * height }, (_, i) => {
    const [c, y, x] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
    return pattern(seed)(x, y)[c]! / 255;
  });
}

export function options(dataroot: string, more: Partial<DataOptions> = {}): DataOptions & { warnings: string[] } {
  const warnings: string[] = [];
  const plain = { direction: 'BtoA', resize: 'nearest', flip: false, jitter: false, skipBad: false, seed: 1 } as const;
  const warn = (line: string) => warnings.push(line);
  return { data: 'folder', dataroot, ...plain, width: 8, height: 6, warn, warnings, ...more };
}
