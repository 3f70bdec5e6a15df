import fc from 'fast-check';
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool } from '../../../../src/engine/ops/resample/avg_pool.ts';
import { maxPool2d } from '../../../../src/engine/ops/resample/max_pool.ts';
import { upsampleBicubic } from '../../../../src/engine/ops/resample/upsample_bicubic.ts';
import { upsampleBilinear } from '../../../../src/engine/ops/resample/upsample_bilinear.ts';
import { upsampleNearest } from '../../../../src/engine/ops/resample/upsample_nearest.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { allDifferent, at, type NdArray, planes, sizeOf } from '../nd.ts';
import { four, pictures, side } from '../shapes.ts';
import { type OpRow, type Problem, row } from '../table_row.ts';
import { adapting, cubic, linear, mean, nearest, outputs, resized, type Taps } from './separable.ts';

type Pair = [down: number, across: number];

interface PoolArgs {
  kernel: Pair;
  stride: Pair;
  padding: Pair;
  countIncludePad: boolean;
}

const window = fc
  .record({ kernel: fc.integer({ min: 1, max: 5 }), stride: fc.integer({ min: 1, max: 4 }), half: fc.nat(2) })
  .chain(({ kernel, stride, half }) => {
    const padding = Math.min(half, Math.floor(kernel / 2));
    const length = side(6).map((extra) => Math.max(kernel - 2 * padding, 1) + extra - 1);
    return fc.record({
      kernel: fc.constant(kernel),
      stride: fc.constant(stride),
      padding: fc.constant(padding),
      length,
    });
  });

/** Square windows half of the time: small ones have special kernels. */
const pooling: fc.Arbitrary<Problem<PoolArgs>> = fc
  .tuple(side(3), side(3), window, window, fc.boolean(), fc.boolean())
  .map(([n, c, a, other, square, countIncludePad]) => {
    const b = square ? { ...a, length: Math.max(a.length, other.length) } : other;
    const args: PoolArgs = {
      kernel: [a.kernel, b.kernel],
      stride: [a.stride, b.stride],
      padding: [a.padding, b.padding],
      countIncludePad,
    };
    return { shapes: [[n, c, a.length, b.length]], args };
  });

function pool(shape: number[], kernel: number, stride: number, padding: number): Problem<PoolArgs> {
  const both = (n: number): Pair => [n, n];
  const args = { kernel: both(kernel), stride: both(stride), padding: both(padding), countIncludePad: stride !== 3 };
  return { shapes: [shape], args };
}

const poolings = [
  pool([1, 3, 128, 96], 2, 2, 0),
  pool([2, 5, 67, 45], 3, 2, 1),
  pool([3, 200, 5, 7], 3, 1, 1),
  pool([1, 2, 61, 75], 31, 1, 15),
  pool([2, 3, 50, 46], 9, 3, 4),
  pool([1, 2, 48, 64], 16, 16, 0),
];

const outSide = (length: number, axis: 0 | 1, { kernel, stride, padding }: PoolArgs): number =>
  Math.floor((length + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;

function averaging(length: number, axis: 0 | 1, args: PoolArgs): Taps[] {
  const [kernel, stride, padding] = [args.kernel[axis], args.stride[axis], args.padding[axis]];
  return outputs(outSide(length, axis, args), (o) => {
    const first = Math.max(o * stride - padding, 0);
    const end = Math.min(o * stride - padding + kernel, length);
    return mean(first, end, args.countIncludePad ? kernel : end - first);
  });
}

interface ResizeArgs {
  height: number;
  width: number;
  align: boolean;
}

const resizes = fc.record({
  shapes: fc.tuple(pictures),
  args: fc.record({ height: side(15), width: side(15), align: fc.boolean() }),
});

const largeResizes: Problem<ResizeArgs>[] = [
  { shapes: [[2, 3, 33, 20]], args: { height: 66, width: 40, align: true } },
  { shapes: [[2, 3, 33, 20]], args: { height: 66, width: 40, align: false } },
  { shapes: [[1, 2, 61, 90]], args: { height: 17, width: 200, align: false } },
  { shapes: [[3, 200, 3, 4]], args: { height: 6, width: 7, align: true } },
  { shapes: [[1, 1, 1, 2]], args: { height: 40, width: 1, align: true } },
];

export const resampling: OpRow[] = [
  row<PoolArgs>({
    name: 'max_pool2d',
    twice: true,
    distinct: true,
    problem: pooling,
    large: poolings,
    run: ([x], { kernel, stride, padding }) => maxPool2d(x as Tensor, kernel, stride, padding),
    reference: ([x], args) => {
      const [n, c, h, w] = four((x as NdArray).shape);
      const { kernel, stride, padding } = args;
      return planes([n, c, outSide(h, 0, args), outSide(w, 1, args)], (plane, i, j) => {
        let most = Number.NEGATIVE_INFINITY;
        for (let u = 0; u < kernel[0]; u++) {
          for (let v = 0; v < kernel[1]; v++) {
            const [r, s] = [i * stride[0] - padding[0] + u, j * stride[1] - padding[1] + v];
            if (r >= 0 && r < h && s >= 0 && s < w) most = Math.max(most, at(x as NdArray, (plane * h + r) * w + s));
          }
        }
        return most;
      });
    },
    // No window has two equal values.
    values: (random, shape) => allDifferent(random, sizeOf(shape), 0.002),
  }),
  row<PoolArgs>({
    name: 'avg_pool2d',
    twice: true,
    problem: pooling,
    large: poolings,
    run: ([x], { kernel, stride, padding, countIncludePad }) => {
      return avgPool2d(x as Tensor, kernel, stride, padding, { countIncludePad });
    },
    reference: ([x], args) =>
      resized(
        x,
        (h) => averaging(h, 0, args),
        (w) => averaging(w, 1, args),
      ),
  }),
  row<{ size: Pair }>({
    name: 'adaptive_avg_pool2d',
    twice: true,
    problem: fc.record({ shapes: fc.tuple(pictures), args: fc.record({ size: fc.tuple(side(9), side(9)) }) }),
    large: [
      { shapes: [[2, 3, 67, 50]], args: { size: [7, 6] } },
      { shapes: [[1, 70, 5, 9]], args: { size: [8, 4] } },
      { shapes: [[2, 3, 130, 97]], args: { size: [1, 2] } },
    ],
    run: ([x], { size }) => adaptiveAvgPool2d(x as Tensor, size),
    reference: ([x], { size: [height, width] }) =>
      resized(
        x,
        (h) => adapting(h, height),
        (w) => adapting(w, width),
      ),
  }),
  row({
    name: 'global_avg_pool',
    twice: true,
    problem: fc.record({ shapes: fc.tuple(pictures), args: fc.constant(null) }),
    large: [
      { shapes: [[2, 3, 130, 97]], args: null },
      { shapes: [[3, 90, 4, 5]], args: null },
    ],
    run: ([x]) => globalAvgPool(x as Tensor),
    reference: ([x]) =>
      resized(
        x,
        (h) => adapting(h, 1),
        (w) => adapting(w, 1),
      ),
  }),
  row<ResizeArgs>({
    name: 'upsample_bilinear',
    twice: true,
    problem: resizes,
    large: largeResizes,
    run: ([x], { height, width, align }) => upsampleBilinear(x as Tensor, height, width, align),
    reference: ([x], { height, width, align }) => {
      return resized(
        x,
        (h) => linear(h, height, align),
        (w) => linear(w, width, align),
      );
    },
  }),
  row<ResizeArgs>({
    name: 'upsample_bicubic',
    twice: true,
    problem: resizes,
    large: largeResizes,
    run: ([x], { height, width, align }) => upsampleBicubic(x as Tensor, height, width, align),
    reference: ([x], { height, width, align }) => {
      return resized(
        x,
        (h) => cubic(h, height, align),
        (w) => cubic(w, width, align),
      );
    },
  }),
  row<ResizeArgs>({
    name: 'upsample_nearest',
    twice: true,
    problem: resizes,
    large: largeResizes,
    run: ([x], { height, width }) => upsampleNearest(x as Tensor, height, width),
    reference: ([x], { height, width }) =>
      resized(
        x,
        (h) => nearest(h, height),
        (w) => nearest(w, width),
      ),
  }),
];
