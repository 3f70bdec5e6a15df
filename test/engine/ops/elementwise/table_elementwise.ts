import fc from 'fast-check';
import { bceWithLogits, l1Loss, mseLoss } from '../../../../src/engine/ops/loss/losses.ts';
import { dropout } from '../../../../src/engine/ops/random/dropout.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { mean, sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { currentProgram } from '../../../../src/engine/tape/current.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, map, meanOf, type NdArray, nd, sizeOf, total, zip } from '../nd.ts';
import { dropoutMask } from '../random/philox.ts';
import { anyShape, wide } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

/** One input of any shape, no arguments. */
const unary = fc.record({ shapes: fc.tuple(anyShape), args: fc.constant(null) });
/** Two inputs of one shape, no arguments. */
const binary = fc.record({ shapes: anyShape.map((shape) => [shape, shape]), args: fc.constant(null) });
/** More than one block of a reduction (4,096 elements). */
const REDUCTIONS = [[4097], [3, 1365, 9], [300007]];

/**
 * Multiples of 1/2 for the first input, shifted by a quarter for the second: never equal, far from the kink of |a − b|.
 */
function apart(random: () => number, shape: readonly number[], input: number): number[] {
  return Array.from({ length: sizeOf(shape) }, () => (Math.floor(random() * 9) - 4) / 2 + input / 4);
}

const crossEntropy = (x: number, t: number) => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x)));

let lastMask: { key: string; mask: number[] } | undefined;

/** The difference quotients need one problem's mask many times, so the last one is cached. */
function maskOf(...[n, rate, seed, step]: [number, number, number, number]): number[] {
  const key = `${n} ${rate} ${seed} ${step}`;
  if (lastMask?.key !== key) lastMask = { key, mask: dropoutMask(n, rate, seed, step, 0) };
  return lastMask.mask;
}

/** A loss that is the mean of f(a − b). */
function differenceRow(
  name: string,
  loss: (a: Tensor, b: Tensor) => Tensor,
  f: (difference: number) => number,
  more: Partial<OpRow> = {},
): OpRow {
  const shape = [3, 64, 65];
  return row({
    name,
    twice: true,
    problem: binary,
    large: [{ shapes: [shape, shape], args: null }],
    run: ([a, b]) => loss(a as Tensor, b as Tensor),
    reference: ([a, b]) => meanOf(zip(a as NdArray, b as NdArray, (x, y) => f(x - y))),
    ...more,
  });
}

export const elementwise: OpRow[] = [
  row({
    name: 'sum',
    twice: true,
    problem: unary,
    large: REDUCTIONS.map((shape) => ({ shapes: [shape], args: null })),
    run: ([x]) => sum(x as Tensor),
    reference: ([x]) => total(x as NdArray),
    // All of one sign, so that the sum is large, and a missing part of it shows.
    values: (random, shape) => Array.from({ length: sizeOf(shape) }, () => 0.5 + random()),
  }),
  row({
    name: 'mean',
    twice: true,
    problem: unary,
    large: [{ shapes: [[5, 7, 1237]], args: null }],
    run: ([x]) => mean(x as Tensor),
    reference: ([x]) => total(x as NdArray, 1 / (x as NdArray).data.length),
  }),
  row({
    name: 'bce_with_logits, a number',
    twice: true,
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
    twice: true,
    problem: binary,
    large: [{ shapes: [[12289], [12289]], args: null }],
    run: ([x, t]) => bceWithLogits(x as Tensor, t as Tensor),
    reference: ([x, t]) => total(zip(x as NdArray, t as NdArray, crossEntropy), 1 / (x as NdArray).data.length),
    values: (random, shape, input) => {
      return input === 0 ? wide(random, sizeOf(shape)) : Array.from({ length: sizeOf(shape) }, random);
    },
    differentiable: [true, false],
  }),
  differenceRow('l1_loss', l1Loss, Math.abs, { values: apart }),
  differenceRow('mse_loss', mseLoss, (d) => d ** 2),
  row<number>({
    name: 'mse_loss to one number',
    twice: true,
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
    twice: true,
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
      // Every run has this step, so that two runs give the same bits.
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
