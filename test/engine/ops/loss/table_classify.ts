import fc from 'fast-check';
import { crossEntropy } from '../../../../src/engine/ops/loss/cross_entropy.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, type NdArray, nd, sizeOf } from '../nd.ts';
import { logitShape } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

/** The offset of class k of a place. */
function places({ shape: [n = 1, classes = 1, ...rest] }: NdArray) {
  const plane = sizeOf(rest);
  const all = Array.from({ length: n * plane }, (_, i) => Math.floor(i / plane) * classes * plane + (i % plane));
  return all.map((first) => Array.from({ length: classes }, (_, k) => first + k * plane));
}

export const classifying: OpRow[] = [
  row({
    name: 'cross_entropy',
    twice: true,
    problem: fc.record({ shapes: logitShape.map((s) => [s, s]), args: fc.constant(null) }),
    large: [
      {
        shapes: [
          [70, 11, 13],
          [70, 11, 13],
        ],
        args: null,
      },
    ],
    run: ([x, t]) => crossEntropy(x as Tensor, t as Tensor),
    reference: ([x, t]) => {
      const [logits, target] = [x as NdArray, t as NdArray];
      const losses = places(logits).map((where) => {
        const most = Math.max(...where.map((i) => at(logits, i)));
        const log = most + Math.log(where.reduce((sum, i) => sum + Math.exp(at(logits, i) - most), 0));
        return where.reduce((sum, i) => sum + at(target, i) * (log - at(logits, i)), 0);
      });
      return nd([1], () => losses.reduce((a, b) => a + b, 0) / losses.length);
    },
    // Logits up to 100, where a naive formula overflows; targets that sum to one, one-hot in every other case.
    values: (random, s, input) => {
      const values = Array.from({ length: sizeOf(s) }, () => (2 * random() - 1) * (random() < 0.2 ? 100 : 2));
      if (input === 0) return values;
      for (const where of places(nd(s, () => 0))) {
        const hot = random() < 0.5 ? where[Math.floor(random() * where.length)] : undefined;
        const parts = where.map((i) => (hot === undefined ? random() + 0.01 : i === hot ? 1 : 0));
        const sum = parts.reduce((a, b) => a + b, 0);
        where.forEach((i, k) => {
          values[i] = (parts[k] as number) / sum;
        });
      }
      return values;
    },
    differentiable: [true, false],
  }),
];
