import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { BadFile, type DecodeOptions, decode, inspect } from '../../../../src/pix2pix/data/image/decode.ts';
import { type MadeTiff, makeTiff } from './make_tiff.ts';

const home = mkdtempSync(join(tmpdir(), 'pixtape-bands-'));
afterAll(() => rmSync(home, { recursive: true }));
const [width, height] = [4, 3];
const size = width * height;

let count = 0;
function write(file: Uint8Array, ending = 'tif'): string {
  const path = join(home, `${count++}.${ending}`);
  writeFileSync(path, file);
  return path;
}
const tiff = (parts: Pick<MadeTiff, 'bands' | 'data' | 'photometric'> & Partial<MadeTiff>) =>
  write(makeTiff({ width, height, ...parts }));
/** Pixel after pixel. */
const bytes = (bands: number, seed = 7) => Uint8Array.from({ length: bands * size }, (_, i) => (i * 37 + seed) % 256);
const planesOf = <T extends ArrayLike<number>>(data: T, bands: number) =>
  Array.from({ length: bands * size }, (_, i) => data[(i % size) * bands + Math.floor(i / size)] as number);

async function refusal(path: string, options: DecodeOptions = {}): Promise<string> {
  const error = await decode(path, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BadFile);
  return (error as BadFile).message.replace(path, 'FILE');
}

describe('several numbers in a tag of one', () => {
  const data = bytes(3);
  it.each([256, 257, 259, 262, 277, 278, 284])('tag %i', async (tag) => {
    const path = tiff({ bands: 3, data, photometric: 2, planar: true, tags: [[tag, 3, [3, 3]]] });
    for (const options of [{}, { channels: 4 }]) {
      expect(await refusal(path, options)).toMatch(
        new RegExp(`^FILE is cut short or damaged .*its tag ${tag} holds 2 numbers where one belongs`),
      );
    }
  });
});

describe('the tags decide what is opacity', () => {
  const data = Uint8Array.from({ length: 4 * size }, (_, i) => [200, 100, 50, 20 * Math.floor(i / 4)][i % 4] as number);

  it('a fourth band without explanation is not opacity: the error names the file and its bands', async () => {
    for (const extra of [[0], undefined]) {
      const path = tiff({ bands: 4, data, photometric: 2, ...(extra ? { extra } : {}) });
      expect(await refusal(path)).toMatch(/^FILE has 4 bands; pictures have 3, or 1 for grey\n.*--input_nc 4/);
      expect([...(await decode(path, { channels: 4 })).data]).toEqual(planesOf(data, 4));
    }
  });

  it('opacity is composited over white, exactly, premultiplied or not', async () => {
    const over = (value: number, alpha: number) => Math.round((value * alpha + 255 * (255 - alpha)) / 255);
    const straight = tiff({ bands: 4, data, photometric: 2, extra: [2] });
    const alphaOf = (i: number) => 20 * (i % size);
    expect([...(await decode(straight)).data]).toEqual(
      Array.from({ length: 3 * size }, (_, i) => over([200, 100, 50][Math.floor(i / size)] as number, alphaOf(i))),
    );
    const multiplied = data.slice();
    for (let i = 0; i < data.length; i++) {
      if (i % 4 < 3) multiplied[i] = Math.round(((data[i] as number) * alphaOf(Math.floor(i / 4))) / 255);
    }
    const path = tiff({ bands: 4, data: multiplied, photometric: 2, extra: [1] });
    const wanted = planesOf(multiplied, 4).slice(0, 3 * size);
    expect([...(await decode(path)).data]).toEqual(wanted.map((value, i) => value + 255 - alphaOf(i)));
  });
});

describe('bands are never dropped or blended', () => {
  it.for([
    ['five bands, three of them colours', { bands: 5, photometric: 2, extra: [0, 0] }, 5],
    ['three bands where black is zero', { bands: 3, photometric: 1, extra: [0, 0] }, 3],
    ['three such bands without a word on what they are', { bands: 3, photometric: 1 }, 3],
    ['two bands', { bands: 2, photometric: 1, extra: [0] }, 2],
    ['eight bands', { bands: 8, photometric: 1 }, 8],
  ] as const)('%s', async ([, layout, bands]) => {
    const data = bytes(bands);
    const path = tiff({ data, ...layout, ...('extra' in layout ? { extra: [...layout.extra] } : {}) } as MadeTiff);
    if (bands !== 3) expect(await refusal(path)).toContain(`FILE has ${bands} bands; pictures have 3`);
    const { data: read } = await decode(path, { channels: bands });
    expect([...read]).toEqual(planesOf(data, bands));
  });

  it('planar bands, in separate strips', async () => {
    const data = bytes(4);
    const path = tiff({ bands: 4, data, photometric: 1, planar: true });
    expect([...(await decode(path, { channels: 4 })).data]).toEqual([...data]);
  });

  it('thirteen bands of 16 bits stay words; with a range they become floats', async () => {
    const data = Uint16Array.from({ length: 13 * size }, (_, i) => (i * 79) % 10_000);
    const path = tiff({ bands: 13, data, photometric: 1 });
    const words = await decode(path, { channels: 13 });
    expect(words.data).toEqual(Uint16Array.from(planesOf(data, 13)));
    const floats = await decode(path, { channels: 13, range: { min: 1000, max: 5000 } });
    const wanted = planesOf(data, 13).map((value) => (value - 1000) / 4000);
    expect(floats.data).toEqual(Float32Array.from(wanted, (value) => Math.min(1, Math.max(0, value))));
    const outside = wanted.filter((value) => value < 0 || value > 1).length;
    expect(floats.clipped).toBeCloseTo(outside / data.length, 10);
  });

  it('RGB and grey are converted if 1 or 3 channels are requested', async () => {
    const data = bytes(3);
    const path = tiff({ bands: 3, data, photometric: 2 });
    const luma = planesOf(data, 3);
    const grey = Array.from({ length: size }, (_, i) => {
      const [r, g, b] = [0, 1, 2].map((c) => luma[c * size + i] as number) as [number, number, number];
      return Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    });
    expect([...(await decode(path, { channels: 1 })).data]).toEqual(grey);
    const single = tiff({ bands: 1, data: bytes(1), photometric: 1 });
    expect([...(await decode(single)).data]).toEqual([...bytes(1), ...bytes(1), ...bytes(1)]);
    expect([...(await decode(single, { channels: 1 })).data]).toEqual([...bytes(1)]);
  });

  it('four channels of a PNG with opacity are its colours and its opacity', async () => {
    const data = bytes(4);
    const path = write(
      await sharp(data, { raw: { width, height, channels: 4 } })
        .png()
        .toBuffer(),
      'png',
    );
    expect([...(await decode(path, { channels: 4 })).data]).toEqual(planesOf(data, 4));
    expect(await refusal(path, { channels: 6 })).toMatch(/has 4 bands, one of them opacity; expected 6/);
  });
});

describe('values', () => {
  const floats = Float32Array.from({ length: size }, (_, i) => i * 0.5 - 1);

  it('floats need a range, unless they lie between 0 and 1', async () => {
    const path = tiff({ bands: 1, data: floats, photometric: 1 });
    expect(await refusal(path)).toMatch(
      /^FILE holds float of 32 bits from -1 to 4\.5, .*black and white\n.*--range -1,4\.5/,
    );
    const read = await decode(path, { channels: 1, range: { min: -1, max: 4.5 } });
    expect(read.data).toEqual(Float32Array.from(floats, (value) => (value + 1) / 5.5));
    const small = Float32Array.from(floats, (_, i) => i / 20);
    const unit = await decode(tiff({ bands: 1, data: small, photometric: 1 }), { channels: 1 });
    expect(unit.data).toEqual(small);
  });

  it('signed integers, and integers of 32 bits', async () => {
    const signed = Int16Array.from({ length: size }, (_, i) => i * 300 - 1000);
    const path = tiff({ bands: 1, data: signed, photometric: 1 });
    expect(await refusal(path)).toMatch(/holds int of 16 bits from -1000 to 2300/);
    const read = await decode(path, { channels: 1, range: { min: -1000, max: 3000 } });
    expect(read.data).toEqual(Float32Array.from(signed, (value) => (value + 1000) / 4000));
    const long = tiff({ bands: 1, data: Uint32Array.from(signed, (value) => value + 1e9), photometric: 1 });
    expect(await refusal(long)).toMatch(/holds uint of 32 bits/);
  });

  it('NaN is reported with its position', async () => {
    const path = tiff({ bands: 1, data: floats.map((value, i) => (i === 6 ? Number.NaN : value)), photometric: 1 });
    expect(await refusal(path, { range: { min: -1, max: 5 } })).toMatch(/holds no number at \(2, 1\), band 1/);
  });

  it('packed samples of 12 bits have the right white', async () => {
    const values = Array.from({ length: size }, (_, i) => (i * 371) % 4096);
    const packed = Uint8Array.from({ length: (size * 3) / 2 }, (_, i) => {
      const [a, b] = [values[2 * Math.floor(i / 3)]!, values[2 * Math.floor(i / 3) + 1]!];
      return [a >> 4, ((a & 15) << 4) | (b >> 8), b & 255][i % 3]!;
    });
    const path = tiff({ bands: 1, data: packed, photometric: 1, tags: [[258, 3, [12]]] });
    const read = await decode(path, { channels: 1 });
    expect(read.data).toEqual(Float32Array.from(values, (value) => value / 4095));
  });

  it('12 bits in 16 get their brightness from the range', async () => {
    const data = Uint16Array.from({ length: 3 * size }, (_, i) => (i * 113) % 4096);
    const path = tiff({ bands: 3, data, photometric: 2 });
    const read = await decode(path, { range: { min: 0, max: 4095 } });
    expect(read.data).toEqual(Float32Array.from(planesOf(data, 3), (value) => value / 4095));
    expect((await decode(path)).data).toEqual(Uint16Array.from(planesOf(data, 3)));
  });
});

it('every orientation of a TIFF that we decode is as in libvips', async () => {
  const data = bytes(3);
  for (let orientation = 1; orientation <= 8; orientation++) {
    const tags = [[274, 3, [orientation]]] as MadeTiff['tags'] & {};
    const plain = await decode(tiff({ bands: 3, data, photometric: 2, tags }));
    const four = Uint8Array.from({ length: 4 * size }, (_, i) =>
      i % 4 === 3 ? 255 : data[3 * Math.floor(i / 4) + (i % 4)]!,
    );
    const path = tiff({ bands: 4, data: four, photometric: 2, extra: [2], tags });
    expect(await decode(path), `${orientation}`).toEqual(plain);
    const header = await inspect(path);
    expect([header.width, header.height]).toEqual([plain.width, plain.height]);
  }
});

describe('arrays of NumPy', () => {
  function npy(kind: string, shape: number[], values: ArrayBufferView, order = 'False'): string {
    const text = `{'descr': '${kind}', 'fortran_order': ${order}, 'shape': (${shape.join(', ')}), }`;
    const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
    const head = Buffer.alloc(10);
    head.write('\x93NUMPY\x01\x00', 'latin1');
    head.writeUInt16LE(header.length, 8);
    return write(Buffer.concat([head, Buffer.from(header), Buffer.from(values.buffer)]), 'npy');
  }

  it('bands first, last, or none', async () => {
    const data = bytes(5);
    const last = npy('|u1', [height, width, 5], data);
    expect(await decode(last, { channels: 5 })).toMatchObject({ width, height });
    expect([...(await decode(last, { channels: 5 })).data]).toEqual(planesOf(data, 5));
    const first = npy('|u1', [5, height, width], data);
    expect([...(await decode(first, { channels: 5 })).data]).toEqual([...data]);
    expect(await inspect(first, { channels: 5 })).toMatchObject({ width, height });
    const single = npy(
      '<f4',
      [height, width],
      Float32Array.from({ length: size }, (_, i) => i / 100),
    );
    expect((await decode(single)).data.length).toBe(3 * size);
  });

  it('says what is wrong with a bad one', async () => {
    expect(await refusal(npy('<c8', [3, 4], new Float32Array(24)))).toMatch(/values of type <c8/);
    expect(await refusal(npy('|u1', [12], bytes(1)))).toMatch(/shape \(12\)/);
    expect(await refusal(npy('|u1', [3, 4], bytes(1), 'True'))).toMatch(/order of Fortran/);
    expect(await refusal(npy('|u1', [3, 5], bytes(1)))).toMatch(/has \d+ bytes where \d+ are wanted \(3 × 5 × 1\)/);
    expect(await refusal(npy('|u1', [5, 4, 7], new Uint8Array(140)))).toMatch(/has 5 bands; pictures have 3/);
  });
});

describe('damaged files', () => {
  it('a directory that would take all memory', async () => {
    const tags = [
      [256, 4, [16_000]],
      [257, 4, [16_000]],
    ] as MadeTiff['tags'] & {};
    const path = tiff({ bands: 8, data: bytes(8), photometric: 1, tags });
    expect(await refusal(path, { channels: 8 })).toMatch(/is cut short \(16000 × 16000, 8 bands\)/);
    const huge = [
      [256, 4, [100_000]],
      [257, 4, [100_000]],
    ] as MadeTiff['tags'] & {};
    const large = tiff({ bands: 8, data: bytes(8), photometric: 1, tags: huge });
    expect(await refusal(large, { channels: 8 })).toMatch(/is too large \(100000 × 100000, 8 bands; at most/);
  });

  it('a file that is cut short', async () => {
    const file = makeTiff({ width, height, bands: 5, data: bytes(5), photometric: 1 });
    for (const length of [9, 20, 60, file.length - 30]) {
      expect(await refusal(write(file.subarray(0, length)), { channels: 5 }), `${length}`).toMatch(/cut short|damaged/);
    }
  });
});
