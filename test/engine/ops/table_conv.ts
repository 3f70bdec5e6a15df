import fc from 'fast-check';
import { conv2d, convTranspose2d } from '../../../src/engine/ops/conv/conv2d.ts';
import type { Tensor } from '../../../src/engine/tape/tensor.ts';
import { at, map, type NdArray, nd, sizeOf } from './nd.ts';
import { type OpRow, type Problem, row } from './table_row.ts';
import { four } from './table_spatial.ts';

type Pair = [number, number];

interface Args {
  stride: Pair;
  padding: Pair;
  /** Of the transposed convolution: rows and columns at the end that no input may reach. */
  outputPadding: Pair;
}

interface Axis {
  kernel: number;
  stride: number;
  padding: number;
  outputPadding: number;
  /** Pixels beyond the shortest side that fits. */
  extra: number;
}

const axis: fc.Arbitrary<Axis> = fc.record({
  kernel: fc.integer({ min: 1, max: 7 }),
  stride: fc.integer({ min: 1, max: 3 }),
  padding: fc.integer({ min: 0, max: 3 }),
  outputPadding: fc.nat(2),
  extra: fc.oneof(fc.constant(0), fc.nat(6)),
});
/** Both alike one time in three: the square kernel, for which there may be kernels of their own. */
const axes = fc.tuple(axis, axis, fc.nat(2)).map(([a, b, kind]): [Axis, Axis] => {
  return kind > 0 ? [a, b] : [a, { ...a, extra: b.extra }];
});
const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  inC: fc.integer({ min: 1, max: 3 }),
  outC: fc.integer({ min: 1, max: 4 }),
  bias: fc.boolean(),
});

const forwards = fc.tuple(axes, sizes).map(([[a, b], { batch, inC, outC, bias }]): Problem<Args> => {
  const side = ({ kernel, padding, extra }: Axis) => Math.max(1, kernel - 2 * padding) + extra;
  const shapes = [[batch, inC, side(a), side(b)], [outC, inC, a.kernel, b.kernel], ...(bias ? [[outC]] : [])];
  return {
    shapes,
    args: { stride: [a.stride, b.stride], padding: [a.padding, b.padding], outputPadding: [0, 0] },
  };
});

const transposed = fc.tuple(axes, sizes).map(([[a, b], { batch, inC, outC, bias }]): Problem<Args> => {
  const more = ({ outputPadding, stride }: Axis) => Math.min(outputPadding, stride - 1);
  // The shortest input whose result has a pixel, and a few more.
  const side = (x: Axis) => {
    const least = Math.ceil((2 * x.padding + 1 - x.kernel - more(x)) / x.stride) + 1;
    return Math.max(1, least) + Math.min(x.extra, 4);
  };
  const shapes = [[batch, inC, side(a), side(b)], [inC, outC, a.kernel, b.kernel], ...(bias ? [[outC]] : [])];
  return {
    shapes,
    args: { stride: [a.stride, b.stride], padding: [a.padding, b.padding], outputPadding: [more(a), more(b)] },
  };
});

function large(x: number[], w: number[], stride: number, padding: number, bias = true): Problem<Args> {
  const args: Args = { stride: [stride, stride], padding: [padding, padding], outputPadding: [0, 0] };
  return { shapes: bias ? [x, w, [w[0] as number]] : [x, w], args };
}

function largeTransposed(x: number[], w: number[], stride: number, padding: number, more = 0): Problem<Args> {
  const args: Args = { stride: [stride, stride], padding: [padding, padding], outputPadding: [more, more] };
  return { shapes: [x, w, [w[1] as number]], args };
}

interface Sizes {
  /** Pixels of a plane that the kernel slides over, and positions that it takes there. */
  pixels: Pair;
  positions: Pair;
  kernel: Pair;
}

/**
 * Goes through the products of a convolution: place (u, v) of the kernel at position (i, j) meets pixel
 * (i · stride − padding + u, j · stride − padding + v), if there is one. `visit` gets them a row at a time: `count`
 * neighbouring positions from `position` on, and pixels from `pixel` on that are stride[1] apart, each an offset within
 * its plane; and the place's offset within the kernel.
 */
function meetings(
  { pixels: [h, w], positions: [rows, cols], kernel: [kh, kw] }: Sizes,
  { stride, padding }: Args,
  visit: (place: number, position: number, pixel: number, count: number) => void,
): void {
  for (let u = 0; u < kh; u++) {
    for (let v = 0; v < kw; v++) {
      const first = Math.max(0, Math.ceil((padding[1] - v) / stride[1]));
      const end = Math.min(cols, Math.ceil((w + padding[1] - v) / stride[1]));
      for (let i = 0; i < rows; i++) {
        const row = i * stride[0] - padding[0] + u;
        const col = first * stride[1] - padding[1] + v;
        if (row >= 0 && row < h && end > first) visit(u * kw + v, i * cols + first, row * w + col, end - first);
      }
    }
  }
}

function convolved(x: NdArray, weight: NdArray, bias: NdArray | undefined, args: Args): NdArray {
  const [n, inC, h, w] = four(x.shape);
  const [outC, , kh, kw] = four(weight.shape);
  const { stride, padding } = args;
  const rows = Math.floor((h + 2 * padding[0] - kh) / stride[0]) + 1;
  const cols = Math.floor((w + 2 * padding[1] - kw) / stride[1]) + 1;
  const sizes: Sizes = { pixels: [h, w], positions: [rows, cols], kernel: [kh, kw] };
  const y = nd([n, outC, rows, cols], (i) => (bias ? at(bias, Math.floor(i / (rows * cols)) % outC) : 0));
  for (let b = 0; b < n; b++) {
    for (let o = 0; o < outC; o++) {
      const result = y.data.subarray((b * outC + o) * rows * cols);
      for (let c = 0; c < inC; c++) {
        const source = x.data.subarray((b * inC + c) * h * w);
        meetings(sizes, args, (place, position, pixel, count) => {
          const factor = at(weight, (o * inC + c) * kh * kw + place);
          for (let k = 0; k < count; k++) {
            (result[position + k] as number) += factor * (source[pixel + k * stride[1]] as number);
          }
        });
      }
    }
  }
  return y;
}

/** Every input value is a position: it paints the kernel, times itself, over the pixels that it meets there. */
function painted(x: NdArray, weight: NdArray, bias: NdArray | undefined, args: Args): NdArray {
  const [n, inC, rows, cols] = four(x.shape);
  const [, outC, kh, kw] = four(weight.shape);
  const { stride, padding, outputPadding } = args;
  const h = (rows - 1) * stride[0] - 2 * padding[0] + kh + outputPadding[0];
  const w = (cols - 1) * stride[1] - 2 * padding[1] + kw + outputPadding[1];
  const sizes: Sizes = { pixels: [h, w], positions: [rows, cols], kernel: [kh, kw] };
  const y = nd([n, outC, h, w], (i) => (bias ? at(bias, Math.floor(i / (h * w)) % outC) : 0));
  for (let b = 0; b < n; b++) {
    for (let o = 0; o < outC; o++) {
      const result = y.data.subarray((b * outC + o) * h * w);
      for (let c = 0; c < inC; c++) {
        const source = x.data.subarray((b * inC + c) * rows * cols);
        meetings(sizes, args, (place, position, pixel, count) => {
          const factor = at(weight, (c * outC + o) * kh * kw + place);
          for (let k = 0; k < count; k++) {
            (result[pixel + k * stride[1]] as number) += factor * (source[position + k] as number);
          }
        });
      }
    }
  }
  return y;
}

export const convolutions: OpRow[] = [
  row<Args>({
    name: 'conv2d',
    activations: 1,
    problem: forwards,
    large: [
      large([1, 32, 40, 36], [32, 32, 3, 3], 1, 1),
      large([2, 16, 33, 31], [24, 16, 2, 2], 1, 1),
      large([2, 16, 32, 30], [24, 16, 4, 4], 2, 1),
      large([2, 3, 48, 40], [32, 3, 1, 1], 1, 0),
      large([1, 32, 48, 40], [3, 32, 1, 1], 1, 0),
      large([4, 40, 5, 3], [72, 40, 3, 3], 1, 1, false),
    ],
    run: ([x, weight, bias], { stride, padding }) => conv2d(x as Tensor, weight as Tensor, bias, { stride, padding }),
    reference: ([x, weight, bias], args) => convolved(x as NdArray, weight as NdArray, bias, args),
  }),
  row<Args>({
    name: 'conv2d through a leaky relu',
    activations: 1,
    problem: forwards.filter(({ shapes }) => shapes.length === 3),
    large: [large([1, 32, 40, 36], [32, 32, 3, 3], 1, 1)],
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
    problem: transposed,
    large: [
      largeTransposed([1, 32, 20, 18], [32, 24, 4, 4], 2, 1),
      largeTransposed([2, 16, 17, 12], [16, 20, 3, 3], 2, 1, 1),
      largeTransposed([1, 24, 30, 33], [24, 3, 3, 3], 1, 1),
    ],
    run: ([x, weight, bias], { stride, padding, outputPadding }) => {
      return convTranspose2d(x as Tensor, weight as Tensor, bias, { stride, padding, outputPadding });
    },
    reference: ([x, weight, bias], args) => painted(x as NdArray, weight as NdArray, bias, args),
  }),
];
