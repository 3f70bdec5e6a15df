import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { decode, inspect } from '../../../../src/pix2pix/data/image/decode.ts';
import { writePictureAs } from '../../../../src/pix2pix/data/image/encode.ts';
import { encodePng, readPicture, resizePicture } from '../../../../src/pix2pix/data/image/picture.ts';
import { draw, encode, pattern, planesOf, scratch } from '../pictures.ts';

const at = scratch();

/** 256 × 256 with every 16-bit value in red (grey), the others derived from it. */
function png16(colorType: 0 | 2 | 4 | 6): { file: Buffer; rgba: Uint16Array } {
  const rgba = new Uint16Array(4 * 65536);
  for (let i = 0; i < 65536; i++) {
    const colour = colorType & 2;
    rgba.set(
      [i, colour ? 65535 - i : i, colour ? (i * 7) & 65535 : i, colorType & 4 ? (i * 13) & 65535 : 65535],
      4 * i,
    );
  }
  const options = { bitDepth: 16, colorType, inputColorType: 6, inputHasAlpha: true } as const;
  const png = new PNG({ width: 256, height: 256, ...options });
  (png as { data: unknown }).data = rgba;
  return { file: PNG.sync.write(png, options), rgba };
}

describe('decode', () => {
  it('gives the pixels of an 8-bit PNG exactly', async () => {
    await draw(at('a.png'), 8, 6, pattern(3));
    const { width, height, data } = await readPicture(at('a.png'));
    expect([width, height]).toEqual([8, 6]);
    expect(data).toEqual(planesOf(3));
  });

  it('reads JPEG, WebP and TIFF, recognised by content, whatever the name', async () => {
    const smooth = encode(32, 16, (x, y) => [100 + x, 90 + y, 80]);
    for (const format of ['jpeg', 'webp', 'tiff'] as const) {
      const file = await smooth.clone().toFormat(format, { quality: 95 }).toBuffer();
      await writeFile(at(`${format}.png`), file);
      const { width, height, data } = await readPicture(at(`${format}.png`));
      expect([width, height]).toEqual([32, 16]);
      expect(Math.abs(data[20]! - 120 / 255)).toBeLessThan(0.02);
      expect(Math.abs(data[2 * 32 * 16]! - 80 / 255)).toBeLessThan(0.02);
    }
  });

  it.each([0, 2] as const)('16-bit values are exact /65535 (PNG colour type %i)', async (colorType) => {
    const { file, rgba } = png16(colorType);
    await writeFile(at('deep.png'), file);
    const { data } = await readPicture(at('deep.png'));
    const expected = Float32Array.from(
      { length: 3 * 65536 },
      (_, i) => rgba[4 * (i % 65536) + Math.floor(i / 65536)]! / 65535,
    );
    expect(Buffer.compare(Buffer.from(data.buffer), Buffer.from(expected.buffer))).toBe(0);
  });

  it.each([4, 6] as const)('16-bit transparency is composited over white (PNG colour type %i)', async (colorType) => {
    const { file, rgba } = png16(colorType);
    await writeFile(at('deep.png'), file);
    const { data } = await decode(at('deep.png'));
    for (let i = 0; i < 65536; i += 17) {
      const [red, , , alpha] = rgba.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
      expect(data[i]).toBe(Math.round((red * alpha + 65535 * (65535 - alpha)) / 65535));
    }
  });

  it('8-bit transparency is composited over white; transparent is white whatever its colour', async () => {
    const pixels = Uint8Array.from([10, 20, 30, 255, 10, 20, 30, 0, 10, 20, 30, 128]);
    await writeFile(
      at('a.png'),
      await sharp(pixels, { raw: { width: 3, height: 1, channels: 4 } })
        .png()
        .toBuffer(),
    );
    const half = (v: number) => Math.round((v * 128 + 255 * 127) / 255);
    expect([...(await decode(at('a.png'))).data]).toEqual([10, 255, half(10), 20, 255, half(20), 30, 255, half(30)]);
  });

  it('grey and palette become RGB', async () => {
    const grey = Uint8Array.from([0, 100, 255, 7]);
    const image = sharp(grey, { raw: { width: 2, height: 2, channels: 1 } });
    await writeFile(at('grey.png'), await image.clone().toColourspace('b-w').png().toBuffer());
    await writeFile(at('palette.png'), await image.clone().png({ palette: true }).toBuffer());
    expect((await sharp(at('grey.png')).metadata()).channels).toBe(1);
    expect((await sharp(at('palette.png')).metadata()).isPalette).toBe(true);
    for (const name of ['grey.png', 'palette.png']) {
      expect([...(await decode(at(name))).data]).toEqual([...grey, ...grey, ...grey]);
    }
  });

  it('CMYK JPEGs are converted', async () => {
    const file = await encode(16, 16, () => [250, 250, 250])
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    await writeFile(at('c.jpg'), file);
    const { data } = await readPicture(at('c.jpg'));
    expect(data.length).toBe(3 * 256);
    for (const value of data) expect(value).toBeGreaterThan(0.8);
  });

  it('EXIF orientation is applied, in size and pixels', async () => {
    const file = await encode(8, 6, pattern(1)).withMetadata({ orientation: 6 }).png().toBuffer();
    await writeFile(at('turned.png'), file);
    expect(await inspect(at('turned.png'))).toMatchObject({ width: 6, height: 8 });
    const { width, height, data } = await decode(at('turned.png'));
    expect([width, height]).toEqual([6, 8]);
    // Orientation 6: the picture is displayed rotated by 90° clockwise, so its lower left is at the top left.
    expect(data[0]).toBe(pattern(1)(0, 5)[0]);
    expect(data[5]).toBe(pattern(1)(0, 0)[0]);
  });

  it('colour profiles are ignored: the values are those in the file', async () => {
    const file = await encode(8, 6, pattern(2)).withIccProfile('p3').png().toBuffer();
    const stored = PNG.sync.read(file).data;
    await writeFile(at('p3.png'), file);
    expect((await sharp(file).metadata()).icc).toBeDefined();
    const { data } = await decode(at('p3.png'));
    for (let i = 0; i < 48; i++)
      expect([data[i], data[48 + i], data[96 + i]]).toEqual([...stored.subarray(4 * i, 4 * i + 3)]);
  });

  it('an SVG drawing is rendered at the requested size, on white, with its proportions', async () => {
    const circle = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10"/></svg>';
    await writeFile(at('a.svg'), circle);
    const { width, height, data } = await decode(at('a.svg'), { vector: { width: 40, height: 20 } });
    expect([width, height]).toEqual([40, 20]);
    const row = [...data.subarray(0, 40)];
    expect(row.map((v) => v / 255)).toEqual(row.map((_, x) => (x >= 10 && x < 30 ? 0 : 1)));
  });

  it("OpenMoji's drawings come out at any size", async () => {
    const root = dirname(createRequire(import.meta.url).resolve('openmoji/package.json'));
    const picture = await readPicture(join(root, 'color', 'svg', '1F600.svg'), { vector: { width: 72, height: 72 } });
    expect([picture.width, picture.height]).toEqual([72, 72]);
    const [red, green, blue] = [0, 1, 2].map((c) => Math.round(picture.data[(c * 72 + 22) * 72 + 36]! * 255));
    expect([red, green, blue]).toEqual([0xfc, 0xea, 0x2b]);
  });

  it('notices a JPEG cut short at any place', async () => {
    const whole = await encode(64, 48, pattern(1)).jpeg().toBuffer();
    for (const keep of [0.15, 0.5, 0.9, 0.99]) {
      await writeFile(at('cut.jpg'), whole.subarray(0, Math.floor(whole.length * keep)));
      await expect(decode(at('cut.jpg'))).rejects.toThrow(/cut\.jpg is cut short or damaged \(.*\)\n {2}→ Copy/);
    }
  });

  it('a JPEG that is cut without an error lacks nothing of the picture', async () => {
    const whole = await encode(64, 48, pattern(1)).jpeg().toBuffer();
    await writeFile(at('whole.jpg'), whole);
    const { data } = await decode(at('whole.jpg'));
    let noticed = 0;
    for (let cut = 1; cut <= 40; cut++) {
      await writeFile(at('cut.jpg'), whole.subarray(0, whole.length - cut));
      const got = await decode(at('cut.jpg')).catch(() => undefined);
      if (got) expect(Buffer.compare(got.data as Uint8Array, data as Uint8Array)).toBe(0);
      else noticed++;
    }
    expect(noticed).toBeGreaterThan(30);
  });

  it('notices a cut PNG, a cut WebP and damage inside a JPEG', async () => {
    const image = encode(64, 48, pattern(1));
    for (const format of ['png', 'webp'] as const) {
      const file = await image.clone().toFormat(format).toBuffer();
      await writeFile(at('cut'), file.subarray(0, file.length >> 1));
      await expect(decode(at('cut'))).rejects.toThrow('is cut short or damaged');
    }
    const jpeg = await image.clone().jpeg().toBuffer();
    await writeFile(at('hole.jpg'), jpeg.fill(0xff, jpeg.length >> 1, (jpeg.length >> 1) + 20));
    await expect(decode(at('hole.jpg'))).rejects.toThrow('hole.jpg is cut short or damaged');
  });

  it('says why a file is not a picture', async () => {
    await writeFile(at('empty.png'), '');
    await writeFile(at('text.png'), 'not a picture at all');
    await writeFile(at('old.bmp'), Buffer.from('BM and so on, it does not matter'));
    await mkdir(at('folder.png'));
    const said: Record<string, string> = {
      'empty.png': 'empty.png is empty (0 bytes)\n  → Copy or download it again.',
      'text.png': 'text.png is not a picture\n  → Convert it to PNG or JPEG.',
      'old.bmp': 'old.bmp is a bitmap that is not read (a header of 1679848553 bytes)\n  → Save it as PNG.',
      'folder.png': 'folder.png is a folder, not a picture',
      'none.png': 'none.png does not exist\n  → Check the path.',
    };
    for (const [name, message] of Object.entries(said)) {
      for (const attempt of [decode, inspect]) {
        const error = await attempt(at(name)).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(PixtapeError);
        expect((error as Error).message).toContain(message);
      }
    }
  });

  it('reads a file again after it was replaced', async () => {
    await draw(at('a.png'), 8, 6, pattern(1));
    await readPicture(at('a.png'));
    await draw(at('a.png'), 8, 6, pattern(2));
    expect((await readPicture(at('a.png'))).data).toEqual(planesOf(2));
  });
});

describe('writePictureAs', () => {
  it('writes an 8-bit PNG that reads back the same, and clamps values outside the range', async () => {
    const data = planesOf(5);
    data.set([-0.5, 1.5, 0.4999 / 255, 0.5001 / 255]);
    await writePictureAs(at('deep', 'out.png'), { width: 8, height: 6, data });
    const back = await readPicture(at('deep', 'out.png'));
    expect([...back.data.subarray(0, 4)]).toEqual([0, 1, 0, Math.fround(1 / 255)]);
    expect(back.data.subarray(4)).toEqual(data.subarray(4));
    expect((await sharp(await readFile(at('deep', 'out.png'))).metadata()).depth).toBe('uchar');
  });

  it('16-bit rasters are written and read back unchanged', async () => {
    const data = Uint16Array.from({ length: 3 * 65536 }, (_, i) => (i * 40503) & 65535);
    await writeFile(at('deep.png'), await encodePng({ width: 256, height: 256, data }));
    const back = await decode(at('deep.png'));
    expect(back.data).toBeInstanceOf(Uint16Array);
    expect(Buffer.compare(Buffer.from(back.data.buffer), Buffer.from(data.buffer))).toBe(0);
  });

  it('refuses NaN, and pictures of the wrong length', async () => {
    const data = planesOf(1);
    data[7] = Number.NaN;
    await expect(writePictureAs(at('a.png'), { width: 8, height: 6, data })).rejects.toThrow('NaN');
    await expect(writePictureAs(at('a.png'), { width: 8, height: 7, data })).rejects.toThrow(
      '144 values are no planes of 8 × 7',
    );
    await expect(readFile(at('a.png'))).rejects.toThrow('ENOENT');
  });
});

it('resizePicture samples as training does', async () => {
  await draw(at('a.png'), 8, 6, pattern(1));
  const picture = await readPicture(at('a.png'));
  const { width, height, data } = resizePicture(picture, 4, 3, 'nearest');
  expect([width, height]).toEqual([4, 3]);
  expect(data[4 + 1]).toBe(picture.data[2 * 8 + 2]);
});
