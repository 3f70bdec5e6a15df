import fc from 'fast-check';
import {
  elu,
  gelu,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from '../../../../src/engine/ops/elementwise/activations.ts';
import { neg, scale } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { abs, clamp, cos, exp, log, rsqrt, sin, sqrt } from '../../../../src/engine/ops/elementwise/functions.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { awayFromZero, map, type NdArray, sizeOf } from '../nd.ts';
import { anyShape, TWO_DIMENSIONAL, wide } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

type Draw = (random: () => number, count: number) => number[];

/** An operation on one tensor of any shape, without arguments, twice differentiable. */
function unaryRow(
  name: string,
  run: (x: Tensor) => Tensor,
  reference: (x: number) => number,
  draw: Draw = wide,
  more: Partial<OpRow> = {},
): OpRow {
  return row({
    name,
    problem: fc.record({ shapes: fc.tuple(anyShape), args: fc.constant(null) }),
    run: ([x]) => run(x as Tensor),
    reference: ([x]) => map(x as NdArray, reference),
    values: (random, shape) => draw(random, sizeOf(shape)),
    twice: true,
    ...more,
  });
}

/** Uniform numbers between two bounds. */
function between(low: number, high: number): Draw {
  return (random, count) => Array.from({ length: count }, () => low + (high - low) * random());
}

/** Values near 0, where differences cancel, and ordinary ones; none too close to 0 itself. */
const smallAndLarge: Draw = (random, count) =>
  awayFromZero(random, count).map((v) => (random() < 0.3 ? v * 0.1 : v * 3));

/** The error function by its series, and by a continued fraction for large arguments: to the last digits of float64. */
function erf(x: number): number {
  if (Math.abs(x) > 3) {
    let fraction = 0;
    for (let k = 60; k > 0; k--) fraction = k / 2 / (Math.abs(x) + fraction);
    return Math.sign(x) * (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (Math.abs(x) + fraction));
  }
  let [term, sum] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const logistic = (v: number) => 1 / (1 + Math.exp(-v));
const normal = (v: number) => (1 + erf(v / Math.SQRT2)) / 2;
const byTanh = (v: number) => (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))) / 2;

export const unaries: OpRow[] = [
  row({
    name: 'leaky_relu',
    problem: fc.record({ shapes: fc.tuple(anyShape), args: fc.record({ slope: fc.constantFrom(0, 0.01, 0.2, 1) }) }),
    large: [{ shapes: [TWO_DIMENSIONAL], args: { slope: 0.2 } }],
    run: ([x], { slope }) => leakyRelu(x as Tensor, slope),
    reference: ([x], { slope }) => map(x as NdArray, (v) => (v > 0 ? v : slope * v)),
    values: (random, shape) => awayFromZero(random, sizeOf(shape)),
    twice: true,
  }),
  unaryRow('relu', relu, (v) => Math.max(v, 0), awayFromZero),
  unaryRow('sigmoid', sigmoid, logistic),
  unaryRow('tanh', tanh, Math.tanh),
  unaryRow('gelu', gelu, (v) => v * normal(v), between(-6, 6)),
  unaryRow(
    'gelu by tanh',
    (x) => gelu(x, 'tanh'),
    (v) => v * byTanh(v),
    between(-6, 6),
  ),
  unaryRow('silu', silu, (v) => v * logistic(v)),
  unaryRow('softplus', softplus, (v) => (v > 20 ? v : Math.log1p(Math.exp(v)))),
  unaryRow(
    'softplus, beta 3 and threshold 4',
    (x) => softplus(x, 3, 4),
    (v) => (3 * v > 4 ? v : Math.log1p(Math.exp(3 * v)) / 3),
    // Away from the threshold, where the value jumps a little.
    between(-1.3, 1.3),
  ),
  unaryRow('elu', elu, (v) => (v > 0 ? v : Math.expm1(v)), smallAndLarge),
  unaryRow(
    'elu, alpha 0.3',
    (x) => elu(x, 0.3),
    (v) => (v > 0 ? v : 0.3 * Math.expm1(v)),
    smallAndLarge,
  ),
  unaryRow('neg', neg, (v) => -v),
  unaryRow('abs', abs, Math.abs, awayFromZero),
  unaryRow('exp', exp, Math.exp, between(-4, 4)),
  unaryRow('log', log, Math.log, between(0.2, 50)),
  unaryRow('sqrt', sqrt, Math.sqrt, between(0.2, 50)),
  unaryRow('rsqrt', rsqrt, (v) => 1 / Math.sqrt(v), between(0.2, 50)),
  unaryRow('sin', sin, Math.sin),
  unaryRow('cos', cos, Math.cos),
  unaryRow(
    'clamp',
    (x) => clamp(x, -1, 0.5),
    (v) => Math.min(Math.max(v, -1), 0.5),
    (random, count) =>
      // Away from both ends.
      between(-2, 2)(random, count).map((v) => v + (Math.abs(v + 1) < 0.01 || Math.abs(v - 0.5) < 0.01 ? 0.02 : 0)),
  ),
  unaryRow(
    'clamp, one end',
    (x) => clamp(x, 0),
    (v) => Math.max(v, 0),
    awayFromZero,
  ),
  row({
    name: 'scale',
    problem: fc.record({
      shapes: fc.tuple(anyShape),
      args: fc.record({
        factor: fc.oneof(fc.constantFrom(0, 1, -1, 200), fc.double({ min: -3, max: 3, noNaN: true })),
      }),
    }),
    run: ([x], { factor }) => scale(x as Tensor, factor),
    reference: ([x], { factor }) => map(x as NdArray, (v) => v * factor),
    twice: true,
  }),
];
