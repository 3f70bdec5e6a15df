/** @module-tag long */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { decode } from '../../src/pix2pix/data/image/decode.ts';
import { mendChecksums } from '../../tools/fuzz/mutate.ts';
import { describeInBrowser, type Web } from './helpers/browser.ts';
import { bundleForPage } from './helpers/bundle.ts';

/** Pictures read by a page have the values that Node reads, whatever the browser would do with them. */

const home = mkdtempSync(join(tmpdir(), 'pixtape-decode-'));
afterAll(() => rmSync(home, { recursive: true }));

async function prepare(folder: string): Promise<void> {
  await bundleForPage('page/decode.ts', join(folder, 'decode.js'));
  writeFileSync(
    join(folder, 'decode.html'),
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="decode.js"></script>',
  );
}

const [width, height] = [45, 31];
/** Smooth colours; the last of two or four channels is opacity, of all degrees. */
const picture = (channels: 1 | 2 | 3 | 4) =>
  sharp(
    Uint8Array.from({ length: width * height * channels }, (_, i) => {
      const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
      const opacity = channels % 2 === 0 && c === channels - 1;
      return opacity ? (x * 6 + y) % 256 : Math.round(127 + 120 * Math.sin(x / 7 + c) * Math.cos(y / 5 - c));
    }),
    { raw: { width, height, channels } },
  );

/** A PNG of rows of packed samples. */
function packed(side: number, depth: number, type: number, rows: number[][], ...extra: [string, number[]][]): Buffer {
  const chunk = (name: string, data: Uint8Array) => {
    const bytes = Buffer.alloc(12 + data.length);
    bytes.writeUInt32BE(data.length);
    bytes.write(name, 4, 'latin1');
    bytes.set(data, 8);
    return bytes;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side);
  head.writeUInt32BE(rows.length, 4);
  head.set([depth, type], 8);
  const data = deflateSync(Buffer.from(rows.flatMap((row) => [0, ...row])));
  const more = extra.map(([name, bytes]) => chunk(name, Uint8Array.from(bytes)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  const parts = [signature, chunk('IHDR', head), ...more, chunk('IDAT', data), chunk('IEND', new Uint8Array())];
  return Buffer.from(mendChecksums(Buffer.concat(parts)));
}

const GAMMA: [string, number[]] = ['gAMA', [0, 0, 0x5a, 0]];
const files: Record<string, () => Promise<Buffer> | Buffer> = {
  'whole.jpg': () => picture(3).jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer(),
  'halved.jpg': () => picture(3).jpeg({ quality: 80 }).toBuffer(),
  'progressive.jpg': () => picture(3).jpeg({ progressive: true }).toBuffer(),
  'grey.jpg': () => picture(1).jpeg().toBuffer(),
  'turned.jpg': () => picture(3).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  'profile.jpg': () => picture(3).withIccProfile('p3').jpeg().toBuffer(),
  'lossy.webp': () => picture(3).webp().toBuffer(),
  'opacity.webp': () => picture(4).webp({ lossless: true }).toBuffer(),
  'palette.gif': () => picture(3).gif().toBuffer(),
  'colours.png': () => picture(3).png().toBuffer(),
  'opacity.png': () => picture(4).png().toBuffer(),
  'interlaced.png': () => picture(4).png({ progressive: true }).toBuffer(),
  'turned.png': () => picture(3).withMetadata({ orientation: 8 }).png().toBuffer(),
  'profile.png': () => picture(3).withIccProfile('p3').png().toBuffer(),
  'palette.png': () => picture(3).png({ palette: true, colours: 11 }).toBuffer(),
  'wide.png': () => picture(3).toColourspace('rgb16').png().toBuffer(),
  'gamma.png': () =>
    packed(
      4,
      8,
      0,
      [
        [0, 60, 128, 250],
        [1, 2, 3, 4],
      ],
      GAMMA,
    ),
  'one bit.png': () => packed(5, 1, 0, [[0b10110000], [0b01010000]]),
  'two bits.png': () =>
    packed(5, 2, 0, [
      [0b00011011, 0b11000000],
      [0b11100100, 0],
    ]),
  'four bits.png': () =>
    packed(3, 4, 0, [
      [0x0f, 0x70],
      [0x12, 0x30],
    ]),
  'a clear grey.png': () => packed(3, 8, 0, [[7, 8, 9]], ['tRNS', [0, 8]]),
  'a clear colour.png': () => packed(3, 8, 2, [[1, 2, 3, 4, 5, 6, 7, 8, 9]], ['tRNS', [0, 4, 0, 5, 0, 6]]),
  'a clear palette.png': () =>
    packed(4, 2, 3, [[0b00011011]], ['PLTE', [10, 20, 30, 4, 5, 6, 7, 8, 9, 200, 11, 12]], ['tRNS', [255, 100]]),
};

type Read = { width: number; height: number; wide: boolean; data: number[]; size: unknown } | { refused: string };

async function readThere(page: Page, name: string, bytes: Uint8Array): Promise<Read> {
  await page.waitForFunction(() => 'decodeInPage' in globalThis);
  const content = Buffer.from(bytes).toString('base64');
  return page.evaluate(
    ([n, c]) => (globalThis as never as { decodeInPage(...a: string[]): Promise<Read> }).decodeInPage(n, c),
    [name, content] as const,
  );
}

describeInBrowser('pictures in a page', prepare, ({ open }: Web) => {
  it.each(Object.keys(files))('%s has the values that Node reads', async (name) => {
    const bytes = await (files[name] as () => Promise<Buffer>)();
    const path = join(home, name);
    writeFileSync(path, bytes);
    const here = await decode(path);
    const there = (await readThere(await open('decode.html'), name, bytes)) as Exclude<Read, { refused: string }>;
    expect(there).toMatchObject({ width: here.width, height: here.height, wide: here.data instanceof Uint16Array });
    expect(there.size).toEqual({ width: here.width, height: here.height });
    expect(Buffer.from(there.data).equals(Buffer.from(here.data))).toBe(true);
    expect(there.data).toEqual([...here.data]);
  });

  it('AVIF is within one of 255', async () => {
    const bytes = await picture(3).avif().toBuffer();
    writeFileSync(join(home, 'a.avif'), bytes);
    const { data } = await decode(join(home, 'a.avif'));
    const there = (await readThere(await open('decode.html'), 'a.avif', bytes)) as { data: number[] };
    expect(Math.max(...there.data.map((value, i) => Math.abs(value - (data[i] as number))))).toBeLessThanOrEqual(1);
  });

  it('a file that cannot have the same values is named', async () => {
    const page = await open('decode.html');
    const cmyk = await picture(3).toColourspace('cmyk').jpeg().toBuffer();
    const tiff = await picture(3).tiff().toBuffer();
    const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1');
    for (const [name, bytes, message] of [
      ['inks.jpg', cmyk, /set\/inks\.jpg is a CMYK JPEG.*\n.*RGB/],
      ['a.tif', tiff, /is a TIFF, which is not read in a page/],
      ['photo.jpg', heic, /is a HEIC picture/],
      ['cut.png', (await picture(3).png().toBuffer()).subarray(0, 400), /is damaged/],
      ['text.jpg', Buffer.from('no picture at all'), /is damaged, or in a format that this browser cannot decode/],
    ] as const) {
      expect(await readThere(page, name, bytes)).toEqual({ refused: expect.stringMatching(message) });
    }
  });

  it('a dropped folder of more files than a browser lists at a time is complete', async () => {
    const folder = join(home, 'set');
    for (const side of ['A', 'B']) {
      mkdirSync(join(folder, 'train', side), { recursive: true });
      for (let i = 0; i < 130; i++) writeFileSync(join(folder, 'train', side, `${i}.png`), 'x');
    }
    const page = await open('decode.html');
    await page.waitForFunction(() => 'dropped' in globalThis);
    const cdp = await page.context().newCDPSession(page);
    const data = { items: [], files: [folder], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await cdp.send('Input.dispatchDragEvent', { type, x: 20, y: 20, data });
    }
    const paths = await page.evaluate(() => (globalThis as never as { dropped: Promise<string[]> }).dropped);
    const wanted = ['A', 'B'].flatMap((side) => Array.from({ length: 130 }, (_, i) => `set/train/${side}/${i}.png`));
    expect(paths).toEqual(wanted.sort());
  });

  it('a browser that falsifies canvas data is detected, and PNG is read anyway', async () => {
    const page = await open('decode.html', {
      init: [
        () => {
          const { prototype } = OffscreenCanvasRenderingContext2D;
          const { getImageData } = prototype;
          prototype.getImageData = function (...args: [number, number, number, number]) {
            const image = getImageData.apply(this, args);
            image.data[4 * 777] = (image.data[4 * 777] ?? 0) ^ 1;
            return image;
          };
        },
      ],
    });
    const jpeg = await picture(3).jpeg().toBuffer();
    expect(await readThere(page, 'a.jpg', jpeg)).toEqual({
      refused: expect.stringMatching(/This browser changes the pixels .*fingerprinting\.\n.*Brave.*Firefox.*PNG/),
    });
    expect(await readThere(page, 'a.png', await picture(3).png().toBuffer())).toMatchObject({ width, height });
  });
});
