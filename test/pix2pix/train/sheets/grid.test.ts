import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { type SampleRow, sampleGrid } from '../../../../src/pix2pix/train/sheets/grid.ts';

/** A uniform colour, planar. */
function flat(rgb: readonly number[], pixels: number): Float32Array {
  return Float32Array.from({ length: rgb.length * pixels }, (_, i) => rgb[Math.floor(i / pixels)]!);
}

const RED = [1, 0, 0];
const GREEN = [0, 1, 0];
const BLUE = [0, 0, 1];
const sample = (pixels: number, more: Partial<SampleRow> = {}): SampleRow => ({
  condition: flat(RED, pixels),
  fake: flat(GREEN, pixels),
  real: flat(BLUE, pixels),
  ...more,
});

/** The bounding box of all pixels of one colour, and their number. */
function find(png: PNG, rgb: readonly number[]) {
  const found = { left: png.width, right: -1, top: png.height, bottom: -1, count: 0 };
  for (let y = 0; y < png.height; y++) {
    for (let x = 0; x < png.width; x++) {
      const at = (y * png.width + x) * 4;
      if (rgb.some((value, c) => png.data[at + c] !== value * 255)) continue;
      found.left = Math.min(found.left, x);
      found.right = Math.max(found.right, x);
      found.top = Math.min(found.top, y);
      found.bottom = Math.max(found.bottom, y);
      found.count++;
    }
  }
  return found;
}

const decode = (bytes: Uint8Array): PNG => PNG.sync.read(Buffer.from(bytes));

describe('sampleGrid', () => {
  it('puts condition, output and real side by side, small pictures enlarged to at least 96 pixels by a whole factor', async () => {
    const png = decode(await sampleGrid([sample(40 * 30)], 40, 30));
    const [condition, fake, real] = [RED, GREEN, BLUE].map((colour) => find(png, colour));
    for (const cell of [condition!, fake!, real!]) {
      expect(cell.right - cell.left + 1).toBe(160);
      expect(cell.bottom - cell.top + 1).toBe(120);
      expect(cell.count).toBe(160 * 120);
      expect(cell.top).toBe(condition!.top);
    }
    expect(condition!.right).toBeLessThan(fake!.left);
    expect(fake!.right).toBeLessThan(real!.left);
    expect(real!.right).toBeLessThan(png.width - 8);
  });

  it('preserves every pixel of a picture', async () => {
    const values = Float32Array.from({ length: 3 * 128 * 112 }, (_, i) => ((i * 7919) % 256) / 255);
    const png = decode(await sampleGrid([sample(128 * 112, { condition: values })], 128, 112));
    const fake = find(png, GREEN);
    const left = fake.left - 6 - 128;
    for (const [x, y] of [
      [0, 0],
      [127, 0],
      [5, 60],
      [127, 111],
    ] as const) {
      const at = ((fake.top + y) * png.width + left + x) * 4;
      const expected = [0, 1, 2].map((c) => Math.round(values[c * 128 * 112 + y * 128 + x]! * 255));
      expect([...png.data.subarray(at, at + 3)]).toEqual(expected);
    }
  });

  it('puts small samples side by side, and large ones below each other', async () => {
    const small = decode(
      await sampleGrid(
        Array.from({ length: 4 }, () => sample(64 * 64)),
        64,
        64,
      ),
    );
    expect(find(small, RED).count).toBe(4 * 128 * 128);
    expect(find(small, RED).right).toBeGreaterThan(find(small, BLUE).left);
    const large = decode(
      await sampleGrid(
        Array.from({ length: 2 }, () => sample(256 * 256)),
        256,
        256,
      ),
    );
    expect(find(large, RED).right).toBeLessThan(find(large, BLUE).left);
    expect(large.height).toBeGreaterThan(2 * 256);
    const chosen = decode(
      await sampleGrid(
        Array.from({ length: 4 }, () => sample(64 * 64)),
        64,
        64,
        { across: 4 },
      ),
    );
    expect(chosen.width).toBeGreaterThan(12 * 128);
  });

  it('draws the labels: different words, different pixels', async () => {
    const rows = [sample(96 * 96)];
    const usual = await sampleGrid(rows, 96, 96);
    expect(Buffer.compare(usual, await sampleGrid(rows, 96, 96, { labels: ['condition', 'output', 'real'] }))).toBe(0);
    expect(
      Buffer.compare(usual, await sampleGrid(rows, 96, 96, { labels: ['condition', 'generated', 'real'] })),
    ).not.toBe(0);
    const named = decode(
      await sampleGrid([sample(96 * 96, { name: 'Grinning face — 😀 with a very long name indeed' })], 96, 96),
    );
    expect(named.width).toBe(decode(usual).width);
    expect(named.height).toBeGreaterThan(decode(usual).height);
  });

  it('clamps values outside [0, 1], accepts grey pictures, and highlights NaN', async () => {
    const pixels = 96 * 96;
    const row = sample(pixels, {
      condition: flat([7, -3, 0], pixels),
      fake: flat([1], pixels),
      real: flat([Number.NaN], pixels),
    });
    const png = decode(await sampleGrid([row], 96, 96));
    expect(find(png, RED).count).toBe(4 * pixels);
    expect(find(png, [1, 1, 1]).count).toBe(4 * pixels);
    expect(find(png, [1, 0, 1]).count).toBe(4 * pixels);
  });

  it('names the picture that has the wrong size', async () => {
    const row = sample(96 * 96, { fake: new Float32Array(5), name: 'a.jpg' });
    await expect(sampleGrid([row], 96, 96)).rejects.toThrow(PixtapeError);
    await expect(sampleGrid([row], 96, 96)).rejects.toThrow(/output of sample a\.jpg has 5 values; 96×96/);
    await expect(sampleGrid([], 96, 96)).rejects.toThrow(/at least one/);
  });
});
