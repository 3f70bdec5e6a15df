import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beside, CHANNELS, cut, type Raster, toFloats } from '../../../../src/pix2pix/data/image/raster.ts';
import { nearestIndices, resize, resizeBilinear, resizeNearest } from '../../../../src/pix2pix/data/image/resize.ts';

const side = fc.integer({ min: 1, max: 40 });

/** A raster of random values of one of the three kinds. */
const raster: fc.Arbitrary<Raster> = fc
  .record({ width: side, height: side, kind: fc.constantFrom(255, 65535, 1), seed: fc.nat() })
  .map(({ width, height, kind, seed }) => {
    const length = CHANNELS * width * height;
    const value = (i: number) => (Math.imul(i + seed, 0x9e3779b1) >>> 0) / 2 ** 32;
    const data =
      kind === 255
        ? Uint8Array.from({ length }, (_, i) => value(i) * 256)
        : kind === 65535
          ? Uint16Array.from({ length }, (_, i) => value(i) * 65536)
          : Float32Array.from({ length }, (_, i) => value(i));
    return { width, height, data };
  });

const at = ({ width, height, data }: Raster, c: number, y: number, x: number) => data[(c * height + y) * width + x]!;

describe('nearest', () => {
  it('takes floor(dst · in/out) on both axes and does not change values', () => {
    fc.assert(
      fc.property(raster, side, side, (from, width, height) => {
        const to = resizeNearest(from, width, height);
        expect([to.width, to.height, to.data.constructor]).toEqual([width, height, from.data.constructor]);
        const source = (i: number, inputs: number, outputs: number) =>
          Math.min(Math.floor(Math.fround(i * Math.fround(inputs / outputs))), inputs - 1);
        for (let c = 0; c < CHANNELS; c++) {
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
              const expected = at(from, c, source(y, from.height, height), source(x, from.width, width));
              if (at(to, c, y, x) !== expected) throw new Error(`channel ${c}, row ${y}, column ${x}`);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('agrees with exact arithmetic, except that a whole quotient may give the pixel before', () => {
    const size = fc.integer({ min: 1, max: 1024 });
    fc.assert(
      fc.property(size, size, (inputs, outputs) => {
        nearestIndices(inputs, outputs).forEach((index, i) => {
          const exact = Math.floor((i * inputs) / outputs);
          if (index === exact) return;
          expect([index, (i * inputs) % outputs]).toEqual([exact - 1, 0]);
        });
      }),
      { numRuns: 500 },
    );
    // PyTorch's float32 arithmetic, by hand: 143 · fround(82 / 286) is just below 41.
    expect(nearestIndices(82, 286)[143]).toBe(40);
  });

  it('is exact for outputs of a power of two', () => {
    for (const outputs of [1, 2, 64, 128, 256, 512]) {
      for (const inputs of [1, 3, 100, 255, 256, 286, 300, 600, 1023]) {
        const exact = Array.from({ length: outputs }, (_, i) => Math.floor((i * inputs) / outputs));
        expect([...nearestIndices(inputs, outputs)]).toEqual(exact);
      }
    }
  });
});

describe('bilinear', () => {
  /** The triangle of half-width 1 around the source position, with edges repeated: the definition, without taps. */
  const definition = (
    from: Raster,
    values: Float32Array,
    c: number,
    y: number,
    x: number,
    height: number,
    width: number,
  ) => {
    const place = (i: number, inputs: number, outputs: number) => Math.max(0, ((i + 0.5) * inputs) / outputs - 0.5);
    const [py, px] = [place(y, from.height, height), place(x, from.width, width)];
    const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1);
    let sum = 0;
    for (let sy = Math.floor(py) - 1; sy <= py + 2; sy++) {
      for (let sx = Math.floor(px) - 1; sx <= px + 2; sx++) {
        const weight = Math.max(0, 1 - Math.abs(py - sy)) * Math.max(0, 1 - Math.abs(px - sx));
        if (weight === 0) continue;
        sum += weight * values[(c * from.height + clamp(sy, from.height)) * from.width + clamp(sx, from.width)]!;
      }
    }
    return sum;
  };

  it('weighs the four pixels around the source position, centres at half-integers, edges repeated', () => {
    fc.assert(
      fc.property(raster, side, side, (from, width, height) => {
        const values = toFloats(from);
        const to = resizeBilinear(from, width, height);
        expect(to.data).toBeInstanceOf(Float32Array);
        for (let c = 0; c < CHANNELS; c++) {
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
              const expected = definition(from, values, c, y, x, height, width);
              if (Math.abs(at(to, c, y, x) - expected) > 1e-7) throw new Error(`channel ${c}, row ${y}, column ${x}`);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it("gives PyTorch's documented numbers: 2 × 2 doubled", () => {
    // The example of torch.nn.Upsample's documentation, scale_factor=2, mode='bilinear', align_corners=False.
    const plane = [1, 2, 3, 4];
    const to = resizeBilinear({ width: 2, height: 2, data: Float32Array.from([...plane, ...plane, ...plane]) }, 4, 4);
    const rows = [
      [1, 1.25, 1.75, 2],
      [1.5, 1.75, 2.25, 2.5],
      [2.5, 2.75, 3.25, 3.5],
      [3, 3.25, 3.75, 4],
    ];
    expect([...to.data]).toEqual([...rows, ...rows, ...rows].flat());
  });
});

it('the same size is the picture itself, in both modes', () => {
  const from: Raster = { width: 2, height: 1, data: Uint8Array.from([1, 2, 3, 4, 5, 6]) };
  expect(resize(from, 2, 1, 'nearest')).toBe(from);
  expect(resize(from, 2, 1, 'bilinear')).toBe(from);
});

it('floats are value/255 and value/65535, rounded to float32 once', () => {
  const bytes = Uint8Array.from({ length: 256 * 3 }, (_, i) => i & 255);
  const words = Uint16Array.from({ length: 65536 * 3 }, (_, i) => i & 65535);
  expect(toFloats({ width: 256, height: 1, data: bytes })).toEqual(Float32Array.from(bytes, (v) => v / 255));
  expect(toFloats({ width: 65536, height: 1, data: words })).toEqual(Float32Array.from(words, (v) => v / 65535));
});

it('cut takes a rectangle, mirrored or not', () => {
  fc.assert(
    fc.property(raster, fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.boolean(), (from, a, b, c, d, mirror) => {
      const [x, y] = [a % from.width, b % from.height];
      const [width, height] = [1 + (c % (from.width - x)), 1 + (d % (from.height - y))];
      const to = cut(from, x, y, width, height, mirror);
      for (let i = 0; i < to.data.length; i++) {
        const [channel, row, column] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
        const source = x + (mirror ? width - 1 - column : column);
        if (to.data[i] !== at(from, channel, y + row, source)) throw new Error(`value ${i}`);
      }
    }),
  );
  const small: Raster = { width: 2, height: 2, data: new Uint8Array(12) };
  expect(() => cut(small, 1, 0, 2, 2)).toThrow('does not lie in');
});

it('beside reverses cutting in halves; bytes beside words become words', () => {
  const left: Raster = { width: 1, height: 2, data: Uint8Array.from([0, 1, 2, 3, 4, 255]) };
  const right: Raster = { width: 2, height: 2, data: Uint8Array.from({ length: 12 }, (_, i) => i + 10) };
  const both = beside(left, right);
  expect(cut(both, 0, 0, 1, 2)).toEqual(left);
  expect(cut(both, 1, 0, 2, 2)).toEqual(right);
  const words: Raster = { ...right, data: Uint16Array.from(right.data, (v) => v * 257) };
  const mixed = beside(left, words);
  expect(toFloats(mixed)).toEqual(toFloats(both));
  expect(mixed.data).toBeInstanceOf(Uint16Array);
});
