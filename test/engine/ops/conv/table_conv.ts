import fc from 'fast-check';
import { conv1d, convTranspose1d } from '../../../../src/engine/ops/conv/conv1d.ts';
import { conv2d, convTranspose2d } from '../../../../src/engine/ops/conv/conv2d.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { map, type NdArray, sizeOf } from '../nd.ts';
import { type OpRow, type Problem, row } from '../table_row.ts';
import {
  type Args,
  axes,
  convProblem,
  forwardProblem,
  grouped,
  lines,
  sizes,
  transposedProblem,
  transposedProblemOf,
} from './problems.ts';
import { convolved, painted } from './reference.ts';

const forwards = fc.tuple(axes(7, 1), sizes).map(forwardProblem);
const transposed = fc.tuple(axes(7, 1), sizes).map(transposedProblem);

function convolve([x, weight, bias]: Tensor[], { stride, padding, dilation, groups }: Args): Tensor {
  return conv2d(x as Tensor, weight as Tensor, bias, { stride, padding, dilation, groups });
}

/** Converts a problem of pictures one pixel wide to one of lines. */
function lineOf({ shapes, args }: Problem<Args>): Problem<Args> {
  return { shapes: shapes.map((shape) => shape.slice(0, 3)), args };
}

function upright({ shape, data }: NdArray): NdArray {
  return { shape: [...shape, 1], data };
}

function flat({ shape, data }: NdArray): NdArray {
  return { shape: shape.slice(0, 3), data };
}

function down({ stride, padding, dilation = [1, 1], groups = 1 }: Omit<Args, 'outputPadding'>) {
  return { stride: stride[0], padding: padding[0], dilation: dilation[0], groups };
}

export const convolutions: OpRow[] = [
  row<Args>({
    name: 'conv2d',
    activations: 1,
    twice: true,
    problem: forwards,
    large: [
      convProblem([1, 32, 40, 36], [32, 32, 3, 3], 1, 1),
      convProblem([2, 16, 33, 31], [24, 16, 2, 2], 1, 1),
      convProblem([2, 16, 32, 30], [24, 16, 4, 4], 2, 1),
      convProblem([2, 3, 48, 40], [32, 3, 1, 1], 1, 0),
      convProblem([1, 32, 48, 40], [3, 32, 1, 1], 1, 0),
      convProblem([4, 40, 5, 3], [72, 40, 3, 3], 1, 1, { bias: false }),
      // Kernels larger than those with special texts.
      convProblem([1, 3, 20, 17], [4, 3, 9, 9], 1, 4),
      convProblem([1, 2, 26, 23], [3, 2, 13, 13], 2, 6),
    ],
    run: convolve,
    reference: ([x, weight, bias], args) => convolved(x as NdArray, weight as NdArray, bias, args),
  }),
  row<Args>({
    name: 'conv2d through a leaky relu',
    activations: 1,
    twice: true,
    problem: forwards.filter(({ shapes }) => shapes.length === 3),
    large: [convProblem([1, 32, 40, 36], [32, 32, 3, 3], 1, 1)],
    run: ([x, weight, bias], { stride, padding }) => {
      return conv2d(x as Tensor, weight as Tensor, bias, { stride, padding, slope: 0.2 });
    },
    reference: ([x, weight, bias], args) => {
      return map(convolved(x as NdArray, weight as NdArray, bias, args), (v) => (v > 0 ? v : 0.2 * v));
    },
    // Multiples of 1/16, 1/2 and odd ones of 1/64: products are multiples of 1/32, and with the bias none is near zero.
    values: (random, shape, input) => {
      const step = [1 / 16, 1 / 2, 1 / 64][input] as number;
      return Array.from({ length: sizeOf(shape) }, () => (2 * Math.floor(random() * 8) - 7) * step);
    },
  }),
  row<Args>({
    name: 'conv_transpose2d',
    activations: 1,
    twice: true,
    problem: transposed,
    large: [
      transposedProblemOf([1, 32, 20, 18], [32, 24, 4, 4], 2, 1),
      transposedProblemOf([2, 16, 17, 12], [16, 20, 3, 3], 2, 1, { outputPadding: 1 }),
      transposedProblemOf([1, 3, 9, 7], [3, 2, 11, 11], 2, 5),
      transposedProblemOf([1, 24, 30, 33], [24, 3, 3, 3], 1, 1),
    ],
    run: ([x, weight, bias], args) => convTranspose2d(x as Tensor, weight as Tensor, bias, args),
    reference: ([x, weight, bias], args) => painted(x as NdArray, weight as NdArray, bias, args),
  }),
  row<Args>({
    name: 'conv2d, grouped and dilated',
    activations: 1,
    twice: true,
    problem: fc.tuple(axes(5, 3), grouped).map(forwardProblem),
    large: [
      // Depthwise, and with two results a channel; groups of many channels; with a stride.
      convProblem([2, 48, 19, 21], [48, 1, 3, 3], 1, 1, { groups: 48 }),
      convProblem([1, 20, 30, 11], [40, 1, 5, 5], 2, 2, { groups: 20 }),
      convProblem([1, 36, 15, 18], [72, 18, 3, 3], 1, 1, { groups: 2, bias: false }),
      convProblem([2, 24, 18, 14], [32, 6, 4, 4], 2, 1, { groups: 4 }),
      // Dilated, in both, and with a stride as well.
      convProblem([2, 16, 25, 19], [20, 16, 3, 3], 1, 2, { dilation: 2 }),
      convProblem([1, 24, 31, 29], [24, 12, 3, 3], 1, 4, { dilation: 4, groups: 2 }),
      convProblem([1, 12, 23, 26], [16, 12, 3, 3], 2, 3, { dilation: 3 }),
      convProblem([1, 12, 23, 26], [12, 1, 3, 3], 2, 2, { dilation: 2, groups: 12 }),
      convProblem([1, 2, 40, 45], [2, 2, 3, 3], 1, 17, { dilation: 17 }),
    ],
    run: convolve,
    reference: ([x, weight, bias], args) => convolved(x as NdArray, weight as NdArray, bias, args),
  }),
  row<Args>({
    name: 'conv_transpose2d, grouped and dilated',
    activations: 1,
    twice: true,
    problem: fc.tuple(axes(5, 3), grouped).map(transposedProblem),
    large: [
      transposedProblemOf([1, 32, 11, 13], [32, 1, 4, 4], 2, 1, { groups: 32 }),
      transposedProblemOf([2, 24, 9, 12], [24, 5, 3, 3], 2, 1, { groups: 3, outputPadding: 1 }),
      transposedProblemOf([1, 16, 14, 15], [16, 6, 3, 3], 1, 2, { dilation: 2 }),
      transposedProblemOf([1, 16, 14, 15], [16, 6, 3, 3], 2, 2, { dilation: 3, groups: 2, outputPadding: 2 }),
    ],
    run: ([x, weight, bias], args) => convTranspose2d(x as Tensor, weight as Tensor, bias, args),
    reference: ([x, weight, bias], args) => painted(x as NdArray, weight as NdArray, bias, args),
  }),
  row<Args>({
    name: 'conv1d',
    activations: 1,
    twice: true,
    problem: fc.tuple(lines(5, 3), grouped).map(([axis, s]) => lineOf(forwardProblem([axis, s]))),
    large: [
      lineOf(convProblem([2, 20, 130, 1], [24, 20, 5, 1], 1, 0)),
      lineOf(convProblem([1, 8, 517, 1], [8, 1, 9, 1], 1, 0, { groups: 8 })),
    ],
    run: ([x, weight, bias], args) => conv1d(x as Tensor, weight as Tensor, bias, down(args)),
    reference: ([x, weight, bias], args) =>
      flat(convolved(upright(x as NdArray), upright(weight as NdArray), bias, args)),
  }),
  row<Args>({
    name: 'conv_transpose1d',
    activations: 1,
    twice: true,
    problem: fc.tuple(lines(5, 3), grouped).map(([axis, s]) => lineOf(transposedProblem([axis, s]))),
    large: [lineOf(transposedProblemOf([2, 20, 70, 1], [20, 12, 4, 1], 1, 0))],
    run: ([x, weight, bias], { outputPadding: [outputPadding], ...args }) => {
      return convTranspose1d(x as Tensor, weight as Tensor, bias, { ...down(args), outputPadding });
    },
    reference: ([x, weight, bias], args) =>
      flat(painted(upright(x as NdArray), upright(weight as NdArray), bias, args)),
  }),
];
