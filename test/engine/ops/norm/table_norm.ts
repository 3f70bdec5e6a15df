import fc from 'fast-check';
import { batchNorm } from '../../../../src/engine/ops/norm/batch_norm.ts';
import { groupNorm } from '../../../../src/engine/ops/norm/group_norm.ts';
import { instanceNorm } from '../../../../src/engine/ops/norm/instance_norm.ts';
import { layerNorm } from '../../../../src/engine/ops/norm/layer_norm.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, type NdArray, nd, sizeOf, uniform } from '../nd.ts';
import { pictures, side } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

/** Mean, and sum of squared deviations from it, of each channel of x (N, C, …), in two passes. */
export function statistics(x: NdArray): { mean: number[]; squares: number[]; values: number } {
  const [batch = 1, channels = 1, ...rest] = x.shape;
  const plane = sizeOf(rest);
  const each = (c: number, f: (value: number) => number) => {
    let sum = 0;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < plane; i++) sum += f(at(x, (n * channels + c) * plane + i));
    }
    return sum;
  };
  const values = batch * plane;
  const mean = Array.from({ length: channels }, (_, c) => each(c, (v) => v) / values);
  return { mean, squares: mean.map((m, c) => each(c, (v) => (v - m) ** 2)), values };
}

/** y = (x − mean) / √(variance + 1e-5) · weight + bias with these statistics of each channel. */
export function normalised(
  x: NdArray,
  weight: NdArray,
  bias: NdArray,
  mean: readonly number[],
  variance: readonly number[],
): NdArray {
  const [, channels = 1, ...rest] = x.shape;
  return nd(x.shape, (i) => {
    const c = Math.floor(i / sizeOf(rest)) % channels;
    const deviation = Math.sqrt((variance[c] as number) + 1e-5);
    return ((at(x, i) - (mean[c] as number)) / deviation) * at(weight, c) + at(bias, c);
  });
}

/** Running statistics that a seed gives, each exactly a float32. */
function running(channels: number, seed: number): { mean: number[]; variance: number[] } {
  const random = uniform(seed);
  const draw = (low: number, high: number) => {
    return Array.from({ length: channels }, () => Math.fround(low + (high - low) * random()));
  };
  return { mean: draw(-2, 2), variance: draw(0.1, 4) };
}

interface Args {
  training: boolean;
  seed: number;
}

const args = (training: boolean) => fc.record({ training: fc.constant(training), seed: fc.nat() });
const withParameters = (shape: number[]) => [shape, [shape[1] as number], [shape[1] as number]];

/** In training mode a channel must have two values; in evaluation mode one will do. */
const problem = fc.oneof(
  fc.record({
    shapes: pictures.filter(([n, , h, w]) => n * h * w > 1).map(withParameters),
    args: args(true),
  }),
  fc.record({ shapes: pictures.map(withParameters), args: args(false) }),
);

/** Neighbouring values of a channel have opposite signs, so that no variance is close to zero. */
function spread(random: () => number, shape: readonly number[]): number[] {
  const [, channels = 1, ...rest] = shape;
  const plane = sizeOf(rest);
  return Array.from({ length: sizeOf(shape) }, (_, i) => {
    const inChannel = Math.floor(i / (plane * channels)) * plane + (i % plane);
    return (inChannel % 2 === 0 ? 1 : -1) * (0.3 + 1.7 * random());
  });
}

/** Like `spread`, for the input only; weights and biases are arbitrary. */
function spreadFirst(random: () => number, shape: readonly number[], input: number): number[] {
  if (input > 0) return Array.from({ length: sizeOf(shape) }, () => 4 * random() - 2);
  return Array.from({ length: sizeOf(shape) }, (_, i) => (i % 2 === 0 ? 1 : -1) * (0.3 + 1.7 * random()));
}

/** Normalises each run of `length` neighbouring values. */
function inRows({ shape, data }: NdArray, length: number): NdArray {
  // A row is a channel of a batch of one picture.
  const rows = nd([1, data.length / length, length], (i) => data[i] as number);
  const { mean, squares, values } = statistics(rows);
  const [ones, zeros] = [nd([mean.length], () => 1), nd([mean.length], () => 0)];
  const variance = squares.map((s) => s / values);
  return { shape, data: normalised(rows, ones, zeros, mean, variance).data };
}

function weighted(
  y: NdArray,
  place: (i: number) => number,
  weight: NdArray | undefined,
  bias: NdArray | undefined,
): NdArray {
  return nd(y.shape, (i) => {
    return at(y, i) * (weight ? at(weight, place(i)) : 1) + (bias ? at(bias, place(i)) : 0);
  });
}

const channelOf =
  ({ shape }: NdArray) =>
  (i: number): number =>
    Math.floor(i / sizeOf(shape.slice(2))) % (shape[1] as number);

export const norms: OpRow[] = [
  row<Args>({
    name: 'batch_norm',
    twice: true,
    activations: 1,
    problem,
    large: [
      // Many slices of a few channels, the last one short; one slice each of many channels; a batch of single pixels.
      { shapes: withParameters([3, 2, 67, 45]), args: { training: true, seed: 1 } },
      { shapes: withParameters([2, 300, 5, 3]), args: { training: true, seed: 2 } },
      { shapes: withParameters([1500, 3, 1, 1]), args: { training: true, seed: 3 } },
      { shapes: withParameters([3, 2, 67, 45]), args: { training: false, seed: 4 } },
    ],
    run: ([x, weight, bias], { training, seed }) => {
      const { device, shape } = x as Tensor;
      const [, channels = 1] = shape;
      const { mean, variance } = running(channels, seed);
      const leaves = [mean, variance, [0]].map((values) => Tensor.from(device, [values.length], values, 'running'));
      const [runningMean, runningVar, tracked] = leaves as [Tensor, Tensor, Tensor];
      return batchNorm(x as Tensor, weight as Tensor, bias as Tensor, runningMean, runningVar, tracked, { training });
    },
    reference: ([x, weight, bias], { training, seed }) => {
      const input = x as NdArray;
      if (!training) {
        const { mean, variance } = running(input.shape[1] as number, seed);
        return normalised(input, weight as NdArray, bias as NdArray, mean, variance);
      }
      const { mean, squares, values } = statistics(input);
      const variance = squares.map((s) => s / values);
      return normalised(input, weight as NdArray, bias as NdArray, mean, variance);
    },
    values: (random, shape, input) => {
      return input === 0 ? spread(random, shape) : Array.from({ length: sizeOf(shape) }, () => 4 * random() - 2);
    },
  }),
  row({
    name: 'instance_norm',
    twice: true,
    problem: fc.record({
      shapes: pictures.filter(([, , h, w]) => h * w > 1).map((shape) => [shape]),
      args: fc.constant({}),
    }),
    large: [
      // Planes of many slices; more planes than workgroups; a plane shorter than a workgroup.
      { shapes: [[2, 2, 67, 145]], args: {} },
      { shapes: [[3, 200, 9, 7]], args: {} },
      { shapes: [[2, 3, 1, 5]], args: {} },
    ],
    run: ([x]) => instanceNorm(x as Tensor),
    reference: ([x]) => inRows(x as NdArray, sizeOf((x as NdArray).shape.slice(2))),
    values: spread,
  }),
  row({
    name: 'instance_norm with weights',
    twice: true,
    activations: 1,
    problem: fc.record({
      shapes: pictures.filter(([, , h, w]) => h * w > 1).map(withParameters),
      args: fc.constant({}),
    }),
    large: [
      { shapes: withParameters([2, 2, 67, 145]), args: {} },
      { shapes: withParameters([70, 3, 5, 7]), args: {} },
    ],
    run: ([x, weight, bias]) => instanceNorm(x as Tensor, weight, bias),
    reference: ([x, weight, bias]) => {
      const input = x as NdArray;
      return weighted(inRows(input, sizeOf(input.shape.slice(2))), channelOf(input), weight, bias);
    },
    values: spreadFirst,
  }),
  row<{ groups: number }>({
    name: 'group_norm',
    twice: true,
    activations: 1,
    problem: fc
      .tuple(pictures, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }))
      .filter(([[, c, h, w]]) => c * h * w > 1)
      .map(([[n, c, h, w], groups, parameters]) => ({
        shapes: withParameters([n, c * groups, h, w]).slice(0, 1 + parameters),
        args: { groups },
      })),
    large: [
      { shapes: withParameters([2, 6, 67, 45]), args: { groups: 2 } },
      { shapes: withParameters([3, 96, 5, 4]), args: { groups: 3 } },
      { shapes: withParameters([2, 24, 33, 9]), args: { groups: 1 } },
      { shapes: withParameters([60, 12]), args: { groups: 4 } },
    ],
    run: ([x, weight, bias], { groups }) => groupNorm(x as Tensor, groups, weight, bias),
    reference: ([x, weight, bias], { groups }) => {
      const input = x as NdArray;
      const row = sizeOf(input.shape.slice(1)) / groups;
      return weighted(inRows(input, row), channelOf(input), weight, bias);
    },
    values: spreadFirst,
  }),
  row<{ sides: number }>({
    name: 'layer_norm',
    twice: true,
    activations: 1,
    problem: fc
      .tuple(fc.array(side(6), { minLength: 1, maxLength: 4 }), fc.nat(3), fc.integer({ min: 0, max: 2 }))
      .map(([shape, extra, parameters]) => {
        const sides = Math.min(1 + extra, shape.length);
        const last = shape.slice(shape.length - sides);
        return { shapes: [shape, last, last].slice(0, 1 + parameters), args: { sides } };
      })
      .filter(({ shapes: [shape = []], args: { sides } }) => sizeOf(shape.slice(shape.length - sides)) > 1),
    large: [
      { shapes: [[700, 33], [33], [33]], args: { sides: 1 } },
      { shapes: [[2, 300, 7], [7], [7]], args: { sides: 1 } },
      {
        shapes: [
          [3, 20, 31, 9],
          [20, 31, 9],
          [20, 31, 9],
        ],
        args: { sides: 3 },
      },
      { shapes: [[2, 9000], [9000]], args: { sides: 1 } },
    ],
    run: ([x, weight, bias], { sides }) => {
      const { shape } = x as Tensor;
      return layerNorm(x as Tensor, shape.slice(shape.length - sides), weight, bias);
    },
    reference: ([x, weight, bias], { sides }) => {
      const input = x as NdArray;
      const row = sizeOf(input.shape.slice(input.shape.length - sides));
      return weighted(inRows(input, row), (i) => i % row, weight, bias);
    },
    values: spreadFirst,
  }),
];
