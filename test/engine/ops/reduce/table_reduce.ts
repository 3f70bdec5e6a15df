import fc from 'fast-check';
import { cast } from '../../../../src/engine/ops/lookup/cast.ts';
import { amax, amin, argmax, argmin } from '../../../../src/engine/ops/reduce/extremes.ts';
import { norm, std, variance } from '../../../../src/engine/ops/reduce/moments.ts';
import { mean, sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { logSoftmax, softmax } from '../../../../src/engine/ops/reduce/softmax.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { allDifferent, at, coordinates, indexOf, type NdArray, nd, sizeOf } from '../nd.ts';
import { type OpRow, type Problem, row } from '../table_row.ts';

interface ReduceArgs {
  axes: number[] | undefined;
  keepDims: boolean;
}

const side = (max: number) => fc.oneof(fc.constant(1), fc.integer({ min: 1, max }));
const anySides = fc.oneof(
  fc.array(side(6), { minLength: 1, maxLength: 4 }),
  fc.array(side(3), { minLength: 5, maxLength: 6 }),
);

/** Some axes, some of them counted from the last; or none, which means all. */
const reductions: fc.Arbitrary<Problem<ReduceArgs>> = anySides.chain((shape) => {
  const axes = fc.subarray(
    shape.map((_, axis) => axis),
    { minLength: 1 },
  );
  const signed = axes.map((found) => found.map((axis, i) => (i % 2 ? axis - shape.length : axis)));
  return fc.record({
    shapes: fc.constant([shape]),
    args: fc.record({ axes: fc.option(signed, { nil: undefined }), keepDims: fc.boolean() }),
  });
});

/** An axis that is long, in each place; many axes that alternate; more results than one workgroup has lanes. */
const LARGE: Problem<ReduceArgs>[] = [
  { shapes: [[3, 20011]], args: { axes: [1], keepDims: false } },
  { shapes: [[20011, 3]], args: { axes: [0], keepDims: true } },
  { shapes: [[2, 9001, 5]], args: { axes: [1], keepDims: false } },
  { shapes: [[5, 16, 33, 31]], args: { axes: [0, 2, 3], keepDims: false } },
  { shapes: [[3, 4, 5, 6, 7, 8]], args: { axes: [1, 3, 5], keepDims: false } },
  { shapes: [[501, 40]], args: { axes: [1], keepDims: false } },
];

let last: { key: string; groupOf: Uint32Array } | undefined;

/**
 * For each element of a tensor, the element of the result that it contributes to. Cached for the difference quotients.
 */
function groupsOf(shape: readonly number[], kept: readonly number[]): Uint32Array {
  const key = `${shape} ${kept}`;
  if (last?.key !== key) {
    const groupOf = Uint32Array.from({ length: sizeOf(shape) }, (_, i) => indexOf(kept, coordinates(shape, i)));
    last = { key, groupOf };
  }
  return last.groupOf;
}

function grouped(x: NdArray, kept: readonly number[]): number[][] {
  const groups: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
  groupsOf(x.shape, kept).forEach((group, i) => {
    groups[group]?.push(at(x, i));
  });
  return groups;
}

/** f of the values that come together in each element of the result. */
function reduced(x: NdArray, { axes, keepDims }: ReduceArgs, f: (values: number[]) => number): NdArray {
  const rank = x.shape.length;
  const found = axes?.map((axis) => (axis + rank) % rank) ?? x.shape.map((_, axis) => axis);
  const kept = x.shape.map((n, axis) => (found.includes(axis) ? 1 : n));
  const groups = grouped(x, kept);
  const rest = x.shape.filter((_, axis) => !found.includes(axis));
  const shape = keepDims ? kept : rest.length > 0 ? rest : [1];
  return nd(shape, (i) => f(groups[i] as number[]));
}

const add = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const average = (values: readonly number[]) => add(values) / values.length;
const spread = (values: readonly number[], correction: number) => {
  const centre = average(values);
  return add(values.map((v) => (v - centre) ** 2)) / (values.length - correction);
};

/** Distinct values: no two are the largest. */
function different(random: () => number, shape: readonly number[]): number[] {
  return allDifferent(random, sizeOf(shape), 0.01);
}

/** All of one sign, so that a sum is large, and a missing part of it shows. */
const positive = (random: () => number, shape: readonly number[]) =>
  Array.from({ length: sizeOf(shape) }, () => 0.5 + random());

function reduceRow(
  name: string,
  run: (x: Tensor, args: ReduceArgs) => Tensor,
  reference: (values: number[]) => number,
  more: Partial<OpRow<ReduceArgs>> = {},
): OpRow {
  return row<ReduceArgs>({
    name,
    problem: reductions,
    large: LARGE,
    run: ([x], args) => run(x as Tensor, args),
    reference: ([x], args) => reduced(x as NdArray, args, reference),
    twice: true,
    ...more,
  });
}

/** At least two values for each result. */
const severalEach = reductions.filter(({ shapes: [shape = []], args: { axes } }) => {
  return sizeOf((axes ?? shape.map((_, axis) => axis)).map((axis) => shape.at(axis) as number)) > 1;
});

interface AxisArgs {
  axis: number;
}

const alongAxis: fc.Arbitrary<Problem<AxisArgs>> = fc
  .record({ shape: anySides, n: fc.nat() })
  .map(({ shape, n }) => ({ shapes: [shape], args: { axis: (n % shape.length) - (n % 2 ? shape.length : 0) } }));

const LARGE_AXIS: Problem<AxisArgs>[] = [
  { shapes: [[2, 20011]], args: { axis: 1 } },
  { shapes: [[300, 10]], args: { axis: -1 } },
  { shapes: [[2, 5003, 3]], args: { axis: 1 } },
  { shapes: [[20011, 2]], args: { axis: 0 } },
];

function softmaxRow(name: string, run: (x: Tensor, axis: number) => Tensor, f: (x: number, sum: number) => number) {
  return row<AxisArgs>({
    name,
    problem: alongAxis,
    large: LARGE_AXIS,
    run: ([x], { axis }) => run(x as Tensor, axis),
    reference: ([x], { axis }) => {
      const { shape } = x as NdArray;
      const kept = shape.with(axis, 1);
      const groupOf = groupsOf(shape, kept);
      const sums = grouped(x as NdArray, kept).map(logSum);
      return nd(shape, (i) => f(at(x as NdArray, i), sums[groupOf[i] as number] as number));
    },
    values: (random, shape) => Array.from({ length: sizeOf(shape) }, () => (random() - 0.5) * 12),
    twice: true,
  });
}

/** log Σ e^v. */
function logSum(values: readonly number[]): number {
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return most + Math.log(add(values.map((v) => Math.exp(v - most))));
}

function argumentRow(name: string, run: typeof argmax, better: (a: number, b: number) => boolean): OpRow {
  return row<{ axis: number | undefined; keepDims: boolean }>({
    name,
    problem: anySides.chain((shape) =>
      fc.record({
        shapes: fc.constant([shape]),
        args: fc.record({
          axis: fc.option(fc.integer({ min: -shape.length, max: shape.length - 1 }), { nil: undefined }),
          keepDims: fc.boolean(),
        }),
      }),
    ),
    large: [
      { shapes: [[3, 20011]], args: { axis: 1, keepDims: false } },
      { shapes: [[20, 31, 7]], args: { axis: undefined, keepDims: false } },
    ],
    run: ([x], { axis, keepDims }) => cast(run(x as Tensor, axis, { keepDims }), 'f32'),
    reference: ([x], { axis, keepDims }) => {
      const first = (values: number[]) => values.findIndex((v) => !values.some((other) => better(other, v)));
      return reduced(x as NdArray, { axes: axis === undefined ? undefined : [axis], keepDims }, first);
    },
    // Several are the largest.
    values: (random, shape) => Array.from({ length: sizeOf(shape) }, () => Math.floor(random() * 50)),
    differentiable: [false],
    activations: 0,
  });
}

export const reducing: OpRow[] = [
  reduceRow('sum over axes', (x, { axes, keepDims }) => sum(x, axes, { keepDims }), add, { values: positive }),
  reduceRow('mean over axes', (x, { axes, keepDims }) => mean(x, axes, { keepDims }), average, { large: [] }),
  reduceRow(
    'amax',
    (x, { axes, keepDims }) => amax(x, axes, { keepDims }),
    (values) => Math.max(...values),
    {
      values: different,
      large: LARGE.slice(0, 2),
    },
  ),
  reduceRow(
    'amin',
    (x, { axes, keepDims }) => amin(x, axes, { keepDims }),
    (values) => Math.min(...values),
    {
      values: different,
      large: [],
    },
  ),
  reduceRow(
    'variance',
    (x, { axes, keepDims }) => variance(x, axes, { keepDims }),
    (values) => spread(values, 1),
    {
      problem: severalEach,
      large: LARGE.slice(2, 4),
      // A large mean.
      values: (random, shape) => Array.from({ length: sizeOf(shape) }, () => 5 + 2 * random()),
    },
  ),
  reduceRow(
    'variance without correction',
    (x, { axes, keepDims }) => variance(x, axes, { keepDims, correction: 0 }),
    (values) => spread(values, 0),
    { large: [] },
  ),
  reduceRow(
    'std',
    (x, { axes, keepDims }) => std(x, axes, { keepDims }),
    (values) => Math.sqrt(spread(values, 1)),
    {
      problem: severalEach,
      // Far apart: the root of a small variance is steep.
      values: (random, shape) => different(random, shape).map((v) => 100 * v),
      large: [],
    },
  ),
  reduceRow(
    'norm',
    (x, { axes, keepDims }) => norm(x, 2, axes, { keepDims }),
    (values) => Math.hypot(...values),
    {
      values: positive,
      large: LARGE.slice(0, 3),
    },
  ),
  reduceRow(
    'norm, p = 1',
    (x, { axes, keepDims }) => norm(x, 1, axes, { keepDims }),
    (v) => add(v.map(Math.abs)),
    {
      values: positive,
      large: [],
    },
  ),
  reduceRow(
    'norm, p = 3',
    (x, { axes, keepDims }) => norm(x, 3, axes, { keepDims }),
    (values) => add(values.map((v) => Math.abs(v) ** 3)) ** (1 / 3),
    { values: positive, large: [] },
  ),
  reduceRow(
    'norm, p = ∞',
    (x, { axes, keepDims }) => norm(x, Infinity, axes, { keepDims }),
    (values) => Math.max(...values.map(Math.abs)),
    { values: (random, shape) => different(random, shape).map((v) => v + 2 * sizeOf(shape)), large: [] },
  ),
  argumentRow('argmax', argmax, (a, b) => a > b),
  argumentRow('argmin', argmin, (a, b) => a < b),
  softmaxRow('softmax', softmax, (v, sum) => Math.exp(v - sum)),
  softmaxRow('log_softmax', logSoftmax, (v, sum) => v - sum),
];
