import fc from 'fast-check';
import { add } from '../../../src/engine/ops/elementwise/add.ts';
import { leakyRelu, relu } from '../../../src/engine/ops/elementwise/leaky_relu.ts';
import { mul } from '../../../src/engine/ops/elementwise/mul.ts';
import { scale } from '../../../src/engine/ops/elementwise/scale.ts';
import { sigmoid } from '../../../src/engine/ops/elementwise/sigmoid.ts';
import { tanh } from '../../../src/engine/ops/elementwise/tanh.ts';
import { bceWithLogits, l1Loss, mseLoss } from '../../../src/engine/ops/loss/losses.ts';
import { dropout } from '../../../src/engine/ops/random/dropout.ts';
import { Rng } from '../../../src/engine/ops/random/rng.ts';
import { mean, sum } from '../../../src/engine/ops/reduce/reduce.ts';
import { currentProgram } from '../../../src/engine/tape/current.ts';
import type { Tensor } from '../../../src/engine/tape/tensor.ts';
import { at, awayFromZero, map, type NdArray, nd, sizeOf, total, zip } from './nd.ts';
import { dropoutMask } from './philox.ts';
import { type OpRow, row } from './table_row.ts';

/** Any shape of rank 1–4 for element-wise operations; sometimes more than one workgroup long. */
const anyShape: fc.Arbitrary<number[]> = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  fc.tuple(fc.integer({ min: 1, max: 200 })),
);

/** Long enough for the second dimension of a flat dispatch: more than 65,535 workgroups of 64. */
const TWO_DIMENSIONAL = [65535 * 64 + 77];

/** One input of any shape, no arguments. */
const unary = fc.record({ shapes: fc.tuple(anyShape), args: fc.constant(null) });
/** Two inputs of one shape, no arguments. */
const binary = fc.record({ shapes: anyShape.map((shape) => [shape, shape]), args: fc.constant(null) });
/** More than one block of a reduction (4,096 elements). */
const REDUCTIONS = [[4097], [3, 1365, 9], [300007]];

/** ± values up to 2, and some far out where a careless formula overflows. */
function wide(random: () => number, count: number): number[] {
  return Array.from({ length: count }, () => (2 * random() - 1) * (random() < 0.2 ? 100 : 2));
}

/** Multiples of 1/2 for the first input, a quarter more for the second: never equal, far from |a − b|'s kink. */
function apart(random: () => number, shape: readonly number[], input: number): number[] {
  return Array.from({ length: sizeOf(shape) }, () => (Math.floor(random() * 9) - 4) / 2 + input / 4);
}

const crossEntropy = (x: number, t: number) => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x)));

let lastMask: { key: string; mask: number[] } | undefined;

/** The difference quotients ask for one problem's mask again and again, so the last one is remembered. */
function maskOf(...[n, rate, seed, step]: [number, number, number, number]): number[] {
  const key = `${n} ${rate} ${seed} ${step}`;
  if (lastMask?.key !== key) lastMask = { key, mask: dropoutMask(n, rate, seed, step, 0) };
  return lastMask.mask;
}

export const elementwise: OpRow[] = [
  row({
    name: 'leaky_relu',
    problem: fc.record({ shapes: fc.tuple(anyShape), args: fc.record({ slope: fc.constantFrom(0, 0.01, 0.2, 1) }) }),
    large: [{ shapes: [TWO_DIMENSIONAL], args: { slope: 0.2 } }],
    run: ([x], { slope }) => leakyRelu(x as Tensor, slope),
    reference: ([x], { slope }) => map(x as NdArray, (v) => (v > 0 ? v : slope * v)),
    values: (random, shape) => awayFromZero(random, sizeOf(shape)),
  }),
  row({
    name: 'relu',
    problem: fc.record({ shapes: fc.tuple(anyShape), args: fc.constant(null) }),
    run: ([x]) => relu(x as Tensor),
    reference: ([x]) => map(x as NdArray, (v) => Math.max(v, 0)),
    values: (random, shape) => awayFromZero(random, sizeOf(shape)),
  }),
  row({
    name: 'sigmoid',
    problem: unary,
    run: ([x]) => sigmoid(x as Tensor),
    reference: ([x]) => map(x as NdArray, (v) => 1 / (1 + Math.exp(-v))),
    values: (random, shape) => wide(random, sizeOf(shape)),
  }),
  row({
    name: 'tanh',
    problem: unary,
    run: ([x]) => tanh(x as Tensor),
    reference: ([x]) => map(x as NdArray, Math.tanh),
    values: (random, shape) => wide(random, sizeOf(shape)),
  }),
  row({
    name: 'add',
    problem: binary,
    run: ([a, b]) => add(a as Tensor, b as Tensor),
    reference: ([a, b]) => zip(a as NdArray, b as NdArray, (x, y) => x + y),
  }),
  row({
    name: 'add to itself',
    problem: unary,
    run: ([x]) => add(x as Tensor, x as Tensor),
    reference: ([x]) => map(x as NdArray, (v) => 2 * v),
  }),
  row({
    name: 'mul',
    problem: binary,
    run: ([a, b]) => mul(a as Tensor, b as Tensor),
    reference: ([a, b]) => zip(a as NdArray, b as NdArray, (x, y) => x * y),
  }),
  row({
    name: 'mul by itself',
    problem: unary,
    run: ([x]) => mul(x as Tensor, x as Tensor),
    reference: ([x]) => map(x as NdArray, (v) => v * v),
  }),
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
  }),
  row({
    name: 'sum',
    problem: unary,
    large: REDUCTIONS.map((shape) => ({ shapes: [shape], args: null })),
    run: ([x]) => sum(x as Tensor),
    reference: ([x]) => total(x as NdArray),
    // All of one sign, so that the sum is large and a lost part of it shows.
    values: (random, shape) => Array.from({ length: sizeOf(shape) }, () => 0.5 + random()),
  }),
  row({
    name: 'mean',
    problem: unary,
    large: [{ shapes: [[5, 7, 1237]], args: null }],
    run: ([x]) => mean(x as Tensor),
    reference: ([x]) => total(x as NdArray, 1 / (x as NdArray).data.length),
  }),
  row({
    name: 'bce_with_logits, a number',
    problem: fc.record({
      shapes: fc.tuple(anyShape),
      args: fc.record({ target: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })) }),
    }),
    large: [{ shapes: [[2, 5, 1999]], args: { target: 1 } }],
    run: ([x], { target }) => bceWithLogits(x as Tensor, target),
    reference: ([x], { target }) => {
      return total(
        map(x as NdArray, (v) => crossEntropy(v, target)),
        1 / (x as NdArray).data.length,
      );
    },
    values: (random, shape) => wide(random, sizeOf(shape)),
  }),
  row({
    name: 'bce_with_logits, a tensor',
    problem: binary,
    large: [{ shapes: [[12289], [12289]], args: null }],
    run: ([x, t]) => bceWithLogits(x as Tensor, t as Tensor),
    reference: ([x, t]) => total(zip(x as NdArray, t as NdArray, crossEntropy), 1 / (x as NdArray).data.length),
    values: (random, shape, input) => {
      return input === 0 ? wide(random, sizeOf(shape)) : Array.from({ length: sizeOf(shape) }, random);
    },
    differentiable: [true, false],
  }),
  row({
    name: 'l1_loss',
    problem: binary,
    large: [
      {
        shapes: [
          [3, 64, 65],
          [3, 64, 65],
        ],
        args: null,
      },
    ],
    run: ([a, b]) => l1Loss(a as Tensor, b as Tensor),
    reference: ([a, b]) => {
      return total(
        zip(a as NdArray, b as NdArray, (x, y) => Math.abs(x - y)),
        1 / (a as NdArray).data.length,
      );
    },
    values: apart,
  }),
  row({
    name: 'mse_loss',
    problem: binary,
    large: [
      {
        shapes: [
          [3, 64, 65],
          [3, 64, 65],
        ],
        args: null,
      },
    ],
    run: ([a, b]) => mseLoss(a as Tensor, b as Tensor),
    reference: ([a, b]) => {
      return total(
        zip(a as NdArray, b as NdArray, (x, y) => (x - y) ** 2),
        1 / (a as NdArray).data.length,
      );
    },
  }),
  row<number>({
    name: 'mse_loss to one number',
    problem: fc.record({ shapes: fc.tuple(anyShape), args: fc.constantFrom(0, 1, -0.5) }),
    large: [{ shapes: [[3, 64, 65]], args: 1 }],
    run: ([a], target) => mseLoss(a as Tensor, target),
    reference: ([a], target) =>
      total(
        map(a as NdArray, (x) => (x - target) ** 2),
        1 / (a as NdArray).data.length,
      ),
  }),
  row({
    name: 'dropout',
    problem: fc.record({
      shapes: fc.tuple(anyShape),
      args: fc.record({
        rate: fc.oneof(fc.constantFrom(0, 0.5), fc.double({ min: 0, max: 0.95, noNaN: true })),
        seed: fc.maxSafeNat(),
        step: fc.maxSafeNat(),
      }),
    }),
    large: [{ shapes: [[3, 5, 4001]], args: { rate: 0.5, seed: 7, step: 2 ** 33 } }],
    run: ([x], { rate, seed, step }) => {
      const rng = new Rng((x as Tensor).device, seed);
      // Every run is this step, so that two give the same bits.
      currentProgram(rng.device).beforeRun(() => rng.setStep(step));
      return dropout(x as Tensor, rate, rng);
    },
    reference: ([x], { rate, seed, step }) => {
      const input = x as NdArray;
      const mask = maskOf(input.data.length, rate, seed, step);
      return nd(input.shape, (i) => ((mask[i] as number) * at(input, i)) / (1 - rate));
    },
  }),
];
