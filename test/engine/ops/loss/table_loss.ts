import fc from 'fast-check';
import { crossEntropy } from '../../../../src/engine/ops/loss/cross_entropy.ts';
import {
  hingeLoss,
  klDivLoss,
  normalDivergence,
  smoothL1Loss,
  wassersteinLoss,
} from '../../../../src/engine/ops/loss/more_losses.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, map, meanOf, type NdArray, nd, sizeOf, total, uniform, zip } from '../nd.ts';
import { anyShape, logitShape } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

const pair = <A>(args: fc.Arbitrary<A>) => fc.record({ shapes: anyShape.map((shape) => [shape, shape]), args });
const target = fc.record({ target: fc.constantFrom('real', 'fake') });

/** Values whose differences keep 0.01 away from the kinks at 0 and ±beta. */
function awayFromBeta(random: () => number, shape: readonly number[], input: number, { beta }: { beta: number }) {
  return Array.from({ length: sizeOf(shape) }, () => {
    if (input === 1) return 0;
    const size = random() < 0.5 ? 0.02 + random() * Math.max(0, beta - 0.04) : beta + 0.02 + 2 * random();
    return random() < 0.5 ? -size : size;
  });
}

/** The right class of each place, from a seed. */
function labelsOf([n = 1, classes = 1, ...rest]: readonly number[], seed: number): Uint32Array {
  const random = uniform(seed);
  return Uint32Array.from({ length: n * sizeOf(rest) }, () => Math.floor(random() * classes));
}

export const losses: OpRow[] = [
  row({
    name: 'smooth_l1_loss',
    twice: true,
    problem: pair(fc.record({ beta: fc.double({ min: 0.1, max: 2, noNaN: true }) })),
    large: [{ shapes: [[4097], [4097]], args: { beta: 1 } }],
    run: ([a, b], { beta }) => smoothL1Loss(a as Tensor, b as Tensor, beta),
    reference: ([a, b], { beta }) => {
      const each = (x: number, y: number) => {
        const d = Math.abs(x - y);
        return d < beta ? (0.5 * d * d) / beta : d - 0.5 * beta;
      };
      return meanOf(zip(a as NdArray, b as NdArray, each));
    },
    values: awayFromBeta,
  }),
  row({
    name: 'hinge_loss',
    twice: true,
    problem: fc.record({ shapes: fc.tuple(anyShape), args: target }),
    run: ([x], args) => hingeLoss(x as Tensor, args.target as 'real'),
    reference: ([x], args) => {
      const sign = args.target === 'real' ? 1 : -1;
      return meanOf(map(x as NdArray, (v) => Math.max(0, 1 - sign * v)));
    },
    values: (random, shape) => {
      return Array.from({ length: sizeOf(shape) }, () => {
        const v = 4 * random() - 2;
        return Math.abs(Math.abs(v) - 1) < 0.01 ? 0 : v;
      });
    },
  }),
  row({
    name: 'wasserstein_loss',
    twice: true,
    problem: fc.record({ shapes: fc.tuple(anyShape), args: target }),
    run: ([x], args) => wassersteinLoss(x as Tensor, args.target as 'real'),
    reference: ([x], args) => meanOf(map(x as NdArray, (v) => (args.target === 'real' ? -v : v))),
  }),
  row({
    name: 'kl_div_loss',
    twice: true,
    problem: pair(fc.constant(null)),
    run: ([x, t]) => klDivLoss(x as Tensor, t as Tensor),
    reference: ([x, t]) => {
      const each = zip(x as NdArray, t as NdArray, (v, p) => (p > 0 ? p * (Math.log(p) - v) : 0));
      return total(each, 1 / ((x as NdArray).shape[0] ?? 1));
    },
    values: (random, shape, input) => {
      return Array.from({ length: sizeOf(shape) }, () => (input === 0 ? -3 * random() : 0.05 + random()));
    },
  }),
  row({
    name: 'normal_divergence',
    twice: true,
    problem: pair(fc.constant(null)),
    run: ([m, v]) => normalDivergence(m as Tensor, v as Tensor),
    reference: ([m, v]) => {
      const each = zip(m as NdArray, v as NdArray, (a, b) => 0.5 * (a * a + Math.exp(b) - 1 - b));
      return total(each, 1 / ((m as NdArray).shape[0] ?? 1));
    },
  }),
  row({
    name: 'cross_entropy, labels',
    twice: true,
    problem: fc.record({ shapes: fc.tuple(logitShape), args: fc.record({ seed: fc.nat() }) }),
    large: [{ shapes: [[70, 11, 13]], args: { seed: 3 } }],
    run: ([x], { seed }) => {
      const { device, shape } = x as Tensor;
      const [n = 1, , ...rest] = shape;
      return crossEntropy(x as Tensor, Tensor.from(device, [n, ...rest], labelsOf(shape, seed), 'labels'));
    },
    reference: ([x], { seed }) => {
      const { shape } = x as NdArray;
      const [, classes = 1, ...rest] = shape;
      const plane = sizeOf(rest);
      const labels = labelsOf(shape, seed);
      const each = nd([labels.length], (place) => {
        const first = Math.floor(place / plane) * classes * plane + (place % plane);
        const values = Array.from({ length: classes }, (_, k) => at(x as NdArray, first + k * plane));
        const most = Math.max(...values);
        const log = most + Math.log(values.reduce((sum, v) => sum + Math.exp(v - most), 0));
        return log - (values[labels[place] as number] as number);
      });
      return meanOf(each);
    },
    values: (random, shape) => {
      return Array.from({ length: sizeOf(shape) }, () => (2 * random() - 1) * (random() < 0.2 ? 100 : 2));
    },
  }),
];
