import fc from 'fast-check';
import { ssimLoss } from '../../../../src/engine/ops/loss/ssim.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, type NdArray, planes, sizeOf, total } from '../nd.ts';
import { four, side } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

/** 1 − SSIM by its definition: each window's moments with all 121 weights. */
function dissimilarity(a: NdArray, b: NdArray, [low, high]: readonly [number, number]): NdArray {
  const [n, c, h, w] = four(a.shape);
  const unit = (x: NdArray, i: number) => (at(x, i) - low) / (high - low);
  const weights = Array.from({ length: 121 }, (_, i) => {
    return Math.exp(-((Math.floor(i / 11) - 5) ** 2 + ((i % 11) - 5) ** 2) / 4.5);
  });
  const all = weights.reduce((s, v) => s + v, 0);
  const windows = planes([n, c, h - 10, w - 10], (plane, row, col) => {
    const mean = (f: (x: number, y: number) => number) =>
      weights.reduce((s, weight, i) => {
        const pixel = (plane * h + row + Math.floor(i / 11)) * w + col + (i % 11);
        return s + (weight / all) * f(unit(a, pixel), unit(b, pixel));
      }, 0);
    const [mx, my] = [mean((x) => x), mean((_, y) => y)];
    const variances = mean((x, y) => (x - mx) ** 2 + (y - my) ** 2);
    const covariance = mean((x, y) => (x - mx) * (y - my));
    const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
    return 1 - ((2 * mx * my + c1) * (2 * covariance + c2)) / ((mx * mx + my * my + c1) * (variances + c2));
  });
  return total(windows, 1 / windows.data.length);
}

export const structural: OpRow[] = [
  row<{ range: [number, number] }>({
    name: 'ssim_loss',
    problem: fc.record({
      shapes: fc
        .tuple(side(2), side(2), fc.integer({ min: 11, max: 15 }), fc.integer({ min: 11, max: 16 }))
        .map((shape) => [shape, shape]),
      args: fc.record({ range: fc.constantFrom<[number, number]>([0, 1], [-1, 1]) }),
    }),
    large: [
      {
        shapes: [
          [2, 3, 33, 38],
          [2, 3, 33, 38],
        ],
        args: { range: [0, 1] },
      },
    ],
    run: ([a, b], { range }) => ssimLoss(a as Tensor, b as Tensor, range),
    reference: ([a, b], { range }) => dissimilarity(a as NdArray, b as NdArray, range),
    // Similar in coarse structure and not in detail.
    values: (random, shape, _, { range: [low, high] }) =>
      Array.from({ length: sizeOf(shape) }, (_, i) => low + (high - low) * (i % 5 < 2 ? 0.3 : 0.6 + 0.3 * random())),
    differentiable: [true, false],
  }),
];
