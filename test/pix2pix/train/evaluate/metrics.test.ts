import { describe, expect, it } from 'vitest';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import {
  colourfulness,
  meanAbsoluteError,
  psnr,
  saturation,
  score,
  ssim,
} from '../../../../src/pix2pix/train/evaluate/metrics.ts';

const size = { width: 17, height: 13 };
const PIXELS = 17 * 13;
const picture = (value: (i: number) => number) => Float32Array.from({ length: 3 * PIXELS }, (_, i) => value(i));
const first = (i: number) => ((i * 7919) % 256) / 255;
const a = picture(first);
const b = picture((i) => 0.75 * first(i) + (0.25 * ((i * 104_729 + 37) % 251)) / 255);
const flat = (r: number, g: number, blue: number) => picture((i) => [r, g, blue][Math.floor(i / PIXELS)] as number);

describe('scores', () => {
  // Computed in NumPy from the definitions: windows one by one, in two dimensions; HSV by Python's colorsys.
  it('agree with an independent reference', () => {
    const { l1, psnr: decibels, ssim: similarity } = score(b, a, size);
    expect(l1).toBeCloseTo(0.08208381564624687, 12);
    expect(decibels).toBeCloseTo(19.954349659130276, 10);
    expect(similarity).toBeCloseTo(0.9091054333349182, 10);
    expect(saturation(a, size)).toBeCloseTo(0.8161645381583226, 10);
    expect(colourfulness(a, size)).toBeCloseTo(160.4306573395342, 8);
  });

  it('are perfect for the same picture', () => {
    const { l1, psnr: decibels, ssim: similarity } = score(a, a, size);
    expect([l1, decibels]).toEqual([0, Number.POSITIVE_INFINITY]);
    expect(similarity).toBeCloseTo(1, 12);
  });

  it('change as computed with a constant shift', () => {
    const [dark, bright] = [flat(0.25, 0.25, 0.25), flat(0.5, 0.5, 0.5)];
    expect(meanAbsoluteError(dark, bright)).toBe(0.25);
    expect(psnr(dark, bright)).toBeCloseTo(20 * Math.log10(4), 12);
    // Neither has structure: only the brightness term counts.
    const c1 = 0.01 ** 2;
    expect(ssim(dark, bright, size)).toBeCloseTo((2 * 0.125 + c1) / (0.0625 + 0.25 + c1), 10);
  });

  it('are low for a negative, and symmetric', () => {
    const negative = a.map((value) => 1 - value);
    expect(ssim(a, negative, size)).toBeLessThan(-0.5);
    expect(ssim(a, b, size)).toBeCloseTo(ssim(b, a, size), 12);
    expect(psnr(a, b)).toBe(psnr(b, a));
  });

  it('treat each channel separately', () => {
    const other = a.slice();
    other.set(b.subarray(0, PIXELS));
    const red = ssim(a.subarray(0, PIXELS), b.subarray(0, PIXELS), size);
    expect(ssim(a, other, size)).toBeCloseTo((red + 2) / 3, 12);
  });

  it('distinguish colours from greys', () => {
    for (const grey of [flat(0, 0, 0), flat(0.5, 0.5, 0.5), flat(1, 1, 1), a.subarray(0, PIXELS)]) {
      expect([saturation(grey, size), colourfulness(grey, size)]).toEqual([0, 0]);
    }
    expect(saturation(flat(1, 0, 0), size)).toBe(1);
    expect(saturation(flat(0.5, 0.25, 0.5), size)).toBe(0.5);
    // A single colour has no spread: 0.3 of its distance from grey, red − green 255 and yellow − blue 127.5.
    expect(colourfulness(flat(1, 0, 0), size)).toBeCloseTo(0.3 * Math.hypot(255, 127.5), 9);
  });

  it('refuse pictures smaller than the window, and say so', () => {
    const small = new Float32Array(3 * 10 * 40);
    expect(() => ssim(small, small, { width: 40, height: 10 })).toThrow(PixtapeError);
    expect(() => ssim(small, small, { width: 40, height: 10 })).toThrow(/11 × 11 .* 40 × 10/);
    expect(meanAbsoluteError(small, a)).toBeNaN();
  });
});
