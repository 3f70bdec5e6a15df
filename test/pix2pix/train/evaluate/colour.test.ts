import { describe, expect, it } from 'vitest';
import { LabHistograms, lab } from '../../../../src/pix2pix/train/evaluate/colour.ts';

/**
 * Lab by its definition, written independently: the standard's exact threshold and slope in terms of κ and ε, and
 * linear light by the inverse of both pieces of the encoding.
 */
function reference(rgb: readonly number[]): number[] {
  const light = rgb.map((v) => (v > 0.04045 ? Math.exp(2.4 * Math.log((v + 0.055) / 1.055)) : v / 12.92));
  const rows = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721749],
    [0.0193339, 0.119192, 0.9503041],
  ];
  const [fx = 0, fy = 0, fz = 0] = rows.map((row) => {
    const white = row.reduce((sum, w) => sum + w, 0);
    const t = row.reduce((sum, w, c) => sum + w * (light[c] as number), 0) / white;
    return t > 216 / 24389 ? t ** (1 / 3) : ((24389 / 27) * t + 16) / 116;
  });
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

/** Pseudo-random shares, the same in each run. */
const noise = (i: number) => ((i * 7919 + 104_729) % 65_521) / 65_520;

describe('Lab', () => {
  // Tabulated for sRGB and D65, to the two decimals that tables give.
  it.each<[string, number[], number[]]>([
    ['white', [1, 1, 1], [100, 0, 0]],
    ['black', [0, 0, 0], [0, 0, 0]],
    ['red', [1, 0, 0], [53.24, 80.09, 67.2]],
    ['green', [0, 1, 0], [87.74, -86.18, 83.18]],
    ['blue', [0, 0, 1], [32.3, 79.19, -107.86]],
    ['grey 119', [119 / 255, 119 / 255, 119 / 255], [50.03, 0, 0]],
  ])('%s', (_, [r, g, b], wanted) => {
    lab(r as number, g as number, b as number).forEach((value, i) => {
      expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(0.01);
    });
  });

  it('agrees with a float64 reference in the whole cube, dark corners included', () => {
    for (let i = 0; i < 3000; i++) {
      const dim = i % 3 === 0 ? 0.02 : 1;
      const [r, g, b] = [dim * noise(3 * i), dim * noise(3 * i + 1), dim * noise(3 * i + 2)] as const;
      const wanted = reference([r, g, b]);
      // The standard's constants and these differ by less than 1e-12 at the boundary of the two pieces.
      lab(r, g, b).forEach((value, axis) => {
        expect(Math.abs(value - (wanted[axis] as number))).toBeLessThan(1e-9);
      });
    }
  });
});

describe('histograms', () => {
  const PLANE = 40;
  const picture = (from: number) => Float32Array.from({ length: 3 * PLANE }, (_, i) => noise(from + i));
  const counted = (...pictures: Float32Array[]) => {
    const histograms = new LabHistograms();
    for (const one of pictures) histograms.add(one, one.length < 3 * PLANE ? one.length : PLANE);
    return histograms;
  };

  it('intersect as in a reference that sorts pixels into named bins', () => {
    const sets = [
      [picture(1), picture(500)],
      [picture(77), picture(900), picture(4000)],
    ];
    const bins = sets.map((set) => {
      const shares = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
      for (const one of set) {
        for (let i = 0; i < PLANE; i++) {
          reference([0, 1, 2].map((c) => one[c * PLANE + i] as number)).forEach((value, axis) => {
            const of = shares[axis] as Map<number, number>;
            of.set(Math.floor(value), (of.get(Math.floor(value)) ?? 0) + 1 / (set.length * PLANE));
          });
        }
      }
      return shares;
    });
    const wanted = [0, 1, 2].map((axis) => {
      const [p, q] = bins.map((shares) => shares[axis] as Map<number, number>);
      return [...(p as Map<number, number>)].reduce((sum, [bin, n]) => sum + Math.min(n, q?.get(bin) ?? 0), 0);
    });
    const [ours, others] = sets.map((set) => counted(...set)) as [LabHistograms, LabHistograms];
    const { L, a, b } = ours.overlap(others);
    [L, a, b].forEach((value, axis) => {
      expect(value).toBeCloseTo(wanted[axis] as number, 12);
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
    });
    const back = others.overlap(ours);
    expect([back.L, back.a, back.b].map((v) => v.toFixed(12))).toEqual([L, a, b].map((v) => v.toFixed(12)));
  });

  it('are equal for the same pixels in other places, and disjoint for black and white', () => {
    const one = picture(5);
    const turned = Float32Array.from(one, (_, i) => {
      const c = Math.floor(i / PLANE);
      return one[c * PLANE + (PLANE - 1 - (i % PLANE))] as number;
    });
    const same = counted(one).overlap(counted(turned));
    for (const value of [same.L, same.a, same.b]) expect(value).toBeCloseTo(1, 12);
    const flat = (value: number) => new Float32Array(3 * PLANE).fill(value);
    expect(counted(flat(0)).overlap(counted(flat(1))).L).toBe(0);
  });

  it('of greys overlap those of colours of the same brightness', () => {
    const grey = Float32Array.from({ length: PLANE }, (_, i) => noise(i));
    const colours = Float32Array.from({ length: 3 * PLANE }, (_, i) => grey[i % PLANE] as number);
    const same = counted(grey).overlap(counted(colours));
    for (const value of [same.L, same.a, same.b]) expect(value).toBeCloseTo(1, 12);
  });
});
