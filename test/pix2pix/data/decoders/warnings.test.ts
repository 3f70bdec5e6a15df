import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode, inspect } from '../../../../src/pix2pix/data/image/decode.ts';
import { mendChecksums } from '../../../../tools/fuzz/mutate.ts';
import { type MadeTiff, makeTiff } from './make_tiff.ts';

const home = mkdtempSync(join(tmpdir(), 'pixtape-warnings-'));
afterAll(() => rmSync(home, { recursive: true }));

let count = 0;
function write(file: Uint8Array, ending: string): string {
  const path = join(home, `${count++}.${ending}`);
  writeFileSync(path, file);
  return path;
}
const insert = (file: Buffer, at: number, bytes: Uint8Array) =>
  Buffer.concat([file.subarray(0, at), bytes, file.subarray(at)]);

const raw = { raw: { width: 16, height: 16, channels: 3 } } as const;
const pixels = Uint8Array.from({ length: 3 * 256 }, (_, i) => (i * 37) % 256);
let jpeg: Buffer;
let png: Buffer;
let wanted: Awaited<ReturnType<typeof decode>>;
beforeAll(async () => {
  jpeg = await sharp(pixels, raw).jpeg().toBuffer();
  png = await sharp(pixels, raw).png().toBuffer();
  wanted = await decode(write(jpeg, 'jpg'));
});

/** Marker and position of each segment up to the first scan. */
function segments(file: Buffer): { marker: number; at: number; length: number }[] {
  const found: { marker: number; at: number; length: number }[] = [];
  for (let at = 2; found.at(-1)?.marker !== 0xda; ) {
    const length = 2 + file.readUInt16BE(at + 2);
    found.push({ marker: file[at + 1] as number, at, length });
    at += length;
  }
  return found;
}
const startOfScan = () => segments(jpeg).at(-1) as { at: number; length: number };

describe('harmless damage is read, exactly', () => {
  it('bytes between the segments of a JPEG, before the first and before the scan', async () => {
    for (const { at } of segments(jpeg)) {
      const path = write(insert(jpeg, at, Uint8Array.of(0, 1, 2, 0xff, 0)), 'jpg');
      expect(await decode(path), `byte ${at}`).toEqual(wanted);
      expect(await inspect(path)).toMatchObject({ width: 16, height: 16 });
    }
  });

  it('the start of a scan as some Samsung cameras write it', async () => {
    const file = Buffer.from(jpeg);
    const { at, length } = startOfScan();
    file.fill(0, at + length - 3, at + length);
    expect(await decode(write(file, 'jpg'))).toEqual(wanted);
  });

  it('bytes after the end, application data of any kind', async () => {
    expect(await decode(write(Buffer.concat([jpeg, Buffer.from('and so on')]), 'jpg'))).toEqual(wanted);
    const data = Buffer.from([0xff, 0xe5, 0, 6, 1, 2, 3, 4]);
    const both = insert(insert(jpeg, 2, data), 2, Uint8Array.of(7, 7));
    expect(await decode(write(both, 'jpg'))).toEqual(wanted);
  });

  it('a progressive JPEG with bytes between its scans', async () => {
    const file = await sharp(pixels, raw).jpeg({ progressive: true }).toBuffer();
    const plain = await decode(write(file, 'jpg'));
    const second = file.indexOf(Buffer.from([0xff, 0xda]), segments(file).at(-1)!.at + 20);
    expect(second).toBeGreaterThan(0);
    const table = file.lastIndexOf(Buffer.from([0xff, 0xc4]), second);
    expect(await decode(write(insert(file, table, Uint8Array.of(3, 3)), 'jpg'))).toEqual(plain);
  });

  const tiff = { width: 16, height: 16, bands: 3, data: pixels, photometric: 2 } satisfies MadeTiff;
  it.for<[string, Partial<MadeTiff>]>([
    ['tags out of order', { unsorted: true, tags: [[256, 4, [16]]] }],
    [
      'a tag twice',
      {
        tags: [
          [305, 2, 'one\0'],
          [305, 2, 'two and more\0'],
        ],
      },
    ],
    ['a text without its end', { tags: [[305, 2, 'pixtape!']] }],
    ['a short one', { tags: [[305, 2, 'abc']] }],
    ['a text with a NUL in it', { tags: [[305, 2, 'pix\0tape\0']] }],
    ['a count that is wrong, of a tag that does not matter', { tags: [[306, 4, [2, 3]]] }],
  ])('a TIFF with %s', async ([, odd]) => {
    const path = write(makeTiff({ ...tiff, ...odd }), 'tif');
    expect(await decode(path)).toEqual(await decode(write(makeTiff(tiff), 'tif')));
    expect(await inspect(path)).toMatchObject({ width: 16, height: 16, more: false });
  });
});

describe('damage is refused', () => {
  it('within the scan of a JPEG, together with harmless damage', async () => {
    const { at, length } = startOfScan();
    const torn = Buffer.from(jpeg);
    for (let i = 0; i < 8; i++) torn[at + length + 40 + 3 * i] = (torn[at + length + 40 + 3 * i] as number) ^ 0x5a;
    const path = write(insert(torn, 2, Uint8Array.of(1, 2, 3)), 'jpg');
    await expect(decode(path)).rejects.toThrow(
      /is cut short or damaged \(VipsJpeg: Corrupt JPEG data: bad Huffman code\)/,
    );
  });

  it('a JPEG, a PNG and a TIFF that are cut short, with harmless oddities', async () => {
    const odd = insert(jpeg, 2, Uint8Array.of(1, 2, 3));
    await expect(decode(write(odd.subarray(0, odd.length - 60), 'jpg'))).rejects.toThrow(/cut short/);
    await expect(decode(write(png.subarray(0, png.length - 60), 'png'))).rejects.toThrow(/cut short/);
    const tags = [
      [305, 2, 'pixtape!'],
      [273, 4, [9000]],
    ] as MadeTiff['tags'] & {};
    const tiff = makeTiff({ width: 16, height: 16, bands: 3, data: pixels, photometric: 2, tags });
    await expect(decode(write(tiff, 'tif'))).rejects.toThrow(/cut short or damaged \(.*(seek|Seek)/);
  });
});

describe('reasons', () => {
  it('a PNG that claims to be far larger than its bytes allow is refused before memory is allocated', async () => {
    const file = Buffer.from(png);
    file.writeUInt32BE(5_000_000, 16);
    mendChecksums(file);
    await expect(decode(write(file, 'png'))).rejects.toThrow(/is cut short: \d+ bytes for 5000000 × 16 pixels/);
  });

  it('a picture that is too large is refused as such, with its size', async () => {
    // A small picture whose header tells other sizes: nothing after it is read.
    const file = Buffer.from(png);
    file.writeUInt32BE(17_000, 16);
    file.writeUInt32BE(16_000, 20);
    const path = write(mendChecksums(file), 'png');
    const message = /is too large \(17000 × 16000; at most 268 million pixels\)/;
    await expect(decode(path)).rejects.toThrow(message);
    await expect(inspect(path)).rejects.toThrow(message);
  });

  it('files that are decoded at the same time have separate reasons', async () => {
    const bad = Array.from({ length: 24 }, (_, i) => {
      const { at, length } = startOfScan();
      const torn = Buffer.from(jpeg);
      for (let k = 0; k < 8; k++) torn[at + length + 40 + 3 * k] = (torn[at + length + 40 + 3 * k] as number) ^ 0x5a;
      if (i % 3 === 0) return [write(torn, 'jpg'), 'VipsJpeg: Corrupt JPEG data: bad Huffman code'] as const;
      if (i % 3 === 1)
        return [write(jpeg.subarray(0, jpeg.length - 50), 'jpg'), 'VipsJpeg: premature end of JPEG image'] as const;
      return [write(png.subarray(0, png.length - 50), 'png'), 'vipspng: libpng read error'] as const;
    });
    const said = await Promise.all(bad.map(([path]) => decode(path).catch((error: Error) => error.message)));
    for (const [i, [path, reason]] of bad.entries()) {
      expect(said[i]).toBe(`${path} is cut short or damaged (${reason})\n  → Copy, download or export it again.`);
    }
  });

  it.for([
    ['photo.jpg', '\0\0\0\x18ftypheic\0\0\0\0mif1heic', /is a HEIC picture.*\n.*(Preview|heif-convert)/],
    ['scan.png', '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n', /is a PDF/],
    ['page.jpg', '<!DOCTYPE html><html><body>404</body></html>', /is a web page, which.*\n.*Download/],
    ['layers.png', '8BPS\0\x01\0\0\0\0\0\0\0\x03', /is a file of Photoshop/],
    ['set.png', 'PK\x03\x04\x14\0\0\0\0\0', /is a zip archive/],
  ] as const)('%s is named as what it is', async ([name, content, message]) => {
    const path = join(home, name);
    writeFileSync(path, Buffer.from(content, 'latin1'));
    for (const look of [decode, inspect]) await expect(look(path)).rejects.toThrow(message);
  });
});

describe('EXIF of a PNG', () => {
  const chunkAt = (file: Buffer, name: string) => file.indexOf(name) - 4;

  it('after the pixels rotates the picture as before them', async () => {
    const upright = { width: 4, height: 2 };
    const data = Uint8Array.from({ length: 24 }, (_, i) => i * 10);
    const before = await sharp(data, { raw: { ...upright, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const [at, pixelsAt, end] = ['eXIf', 'IDAT', 'IEND'].map((name) => chunkAt(before, name)) as [
      number,
      number,
      number,
    ];
    expect(at).toBeLessThan(pixelsAt);
    const next = at + 12 + before.readUInt32BE(at);
    const parts = [before.subarray(0, at), before.subarray(next, end), before.subarray(at, next), before.subarray(end)];
    const behind = Buffer.concat(parts);
    expect(PNG.sync.read(behind).data).toEqual(PNG.sync.read(before).data);
    const [a, b] = [write(before, 'png'), write(behind, 'png')];
    expect(await inspect(b)).toMatchObject({ width: 2, height: 4 });
    expect(await decode(b)).toEqual(await decode(a));
  });
});
