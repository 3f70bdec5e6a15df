import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { decode, inspect } from '../../../../src/pix2pix/data/image/decode.ts';

const home = mkdtempSync(join(tmpdir(), 'pixtape-bmp-'));
afterAll(() => rmSync(home, { recursive: true }));
const [width, height] = [7, 5];
const size = width * height;

interface Made {
  bits: number;
  /** The bytes of a row without its padding. */
  row(y: number): number[];
  packing?: number;
  palette?: number[][];
  masks?: number[];
  header?: 12 | 40 | 124;
  topDown?: boolean;
}

function write(name: string, { bits, row, packing = 0, palette = [], masks = [], header = 40, topDown }: Made): string {
  const stride = Math.ceil((width * bits) / 32) * 4;
  const behind = header === 40 ? 4 * masks.length : 0;
  const colours = palette.flatMap(([r, g, b]) => (header === 12 ? [b, g, r] : [b, g, r, 0])) as number[];
  const start = 14 + header + behind + colours.length;
  const file = Buffer.alloc(start + stride * height);
  file.write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(start, 10);
  file.writeUInt32LE(header, 14);
  if (header === 12) {
    for (const [i, value] of [width, height, 1, bits].entries()) file.writeUInt16LE(value, 18 + 2 * i);
  } else {
    file.writeInt32LE(width, 18);
    file.writeInt32LE(topDown ? -height : height, 22);
    file.writeUInt16LE(1, 26);
    file.writeUInt16LE(bits, 28);
    file.writeUInt32LE(packing, 30);
    file.writeUInt32LE(palette.length, 46);
    for (const [i, mask] of masks.entries()) file.writeUInt32LE(mask, 54 + 4 * i);
  }
  Buffer.from(colours).copy(file, 14 + header + behind);
  for (let y = 0; y < height; y++) Buffer.from(row(y)).copy(file, start + stride * (topDown ? y : height - 1 - y));
  const path = join(home, `${name}.bmp`);
  writeFileSync(path, file);
  return path;
}

const pixel = (x: number, y: number): [number, number, number] => [
  (x * 37 + y * 11) % 256,
  (x * 5 + y * 91) % 256,
  x * y,
];
const across = <T>(make: (x: number) => T): T[] => Array.from({ length: width }, (_, x) => make(x));
const bgr = (x: number, y: number): number[] => pixel(x, y).reverse();
const colours = Array.from({ length: 3 * size }, (_, i) => {
  return pixel(i % width, Math.floor((i % size) / width))[Math.floor(i / size)] as number;
});
const words = (y: number, value: (x: number, y: number) => number) =>
  across((x) => [value(x, y) & 255, value(x, y) >> 8]).flat();

it.for<[string, Made]>([
  ['24 bits', { bits: 24, row: (y) => across((x) => bgr(x, y)).flat() }],
  ['from the top down', { bits: 24, topDown: true, row: (y) => across((x) => bgr(x, y)).flat() }],
  ['with OS2’s header', { bits: 24, header: 12, row: (y) => across((x) => bgr(x, y)).flat() }],
  ['32 bits, the fourth byte of no use', { bits: 32, row: (y) => across((x) => [...bgr(x, y), 0]).flat() }],
  [
    'masks in another order',
    { bits: 32, packing: 3, masks: [0xff, 0xff00, 0xff0000], row: (y) => across((x) => [...pixel(x, y), 9]).flat() },
  ],
])('a bitmap, %s', async ([name, made]) => {
  const path = write(name, made);
  expect([...(await decode(path)).data]).toEqual(colours);
  expect(await inspect(path)).toMatchObject({ width, height });
});

it.for([1, 4, 8])('a palette of %i bits', async (bits) => {
  const palette = Array.from({ length: 2 ** bits }, (_, i) => [i, (i * 7) % 256, (i * 101) % 256]);
  const index = (x: number, y: number) => (x * 3 + y * 5) % 2 ** bits;
  const row = (y: number) => {
    const bytes = new Array<number>(Math.ceil((width * bits) / 8)).fill(0);
    for (let x = 0; x < width; x++) {
      const at = Math.floor((x * bits) / 8);
      bytes[at] = bytes[at]! | (index(x, y) << (8 - bits - ((x * bits) % 8)));
    }
    return bytes;
  };
  const { data } = await decode(write(`palette ${bits}`, { bits, palette, row }));
  expect([...data]).toEqual(
    Array.from({ length: 3 * size }, (_, i) => {
      return palette[index(i % width, Math.floor((i % size) / width))]![Math.floor(i / size)];
    }),
  );
});

it('16 bits: 5, 5, 5 without masks, and 5, 6, 5 with them, spread over 0 to 255', async () => {
  const spread = (value: number, bits: number) => Math.round((255 * value) / (2 ** bits - 1));
  const parts = (x: number, y: number): [number, number, number] => [(x * 5) % 32, (y * 13 + x) % 32, (x * y) % 32];
  const plain = write('555', {
    bits: 16,
    row: (y) => words(y, (x) => (parts(x, y)[0] << 10) | (parts(x, y)[1] << 5) | parts(x, y)[2]),
  });
  const masked = write('565', {
    bits: 16,
    packing: 3,
    masks: [0xf800, 0x7e0, 0x1f],
    row: (y) => words(y, (x) => (parts(x, y)[0] << 11) | ((2 * parts(x, y)[1]) << 5) | parts(x, y)[2]),
  });
  const wanted = (green: (value: number) => number) =>
    Array.from({ length: 3 * size }, (_, i) => {
      const c = Math.floor(i / size);
      const value = parts(i % width, Math.floor((i % size) / width))[c] as number;
      return c === 1 ? green(value) : spread(value, 5);
    });
  expect([...(await decode(plain)).data]).toEqual(wanted((value) => spread(value, 5)));
  expect([...(await decode(masked)).data]).toEqual(wanted((value) => spread(2 * value, 6)));
});

it('opacity, if a mask declares it, is composited over white', async () => {
  const masks = [0xff0000, 0xff00, 0xff, 0xff000000];
  const opacity = (x: number, y: number) => (x * 40 + y) % 256;
  const row = (y: number) => across((x) => [...bgr(x, y), opacity(x, y)]).flat();
  const { data } = await decode(write('alpha', { bits: 32, packing: 3, header: 124, masks, row }));
  const wanted = colours.map((value, i) => {
    const alpha = opacity(i % width, Math.floor((i % size) / width));
    return Math.round((value * alpha + 255 * (255 - alpha)) / 255);
  });
  expect([...data]).toEqual(wanted);
});

it('names what it does not support', async () => {
  const row = () => [1, 2, 3];
  await expect(decode(write('rle', { bits: 8, packing: 1, row }))).rejects.toThrow(/packed by RLE/);
  const short = write('hole', { bits: 8, palette: [[0, 0, 0]], row });
  await expect(decode(short)).rejects.toThrow(/has a colour \d that its palette lacks/);
});
