import { at, type NdArray, nd } from '../nd.ts';
import { four } from '../shapes.ts';
import type { Args, Pair } from './problems.ts';

interface Planes {
  /** Pixels of a plane that the kernel slides over, and its positions there. */
  pixels: Pair;
  positions: Pair;
  kernel: Pair;
}

/**
 * Walks through the products of a convolution: place (u, v) of the kernel at position (i, j) meets pixel (i · stride −
 * padding + u · dilation, j · stride − padding + v · dilation), if there is one. Calls `visit` per row: with `count`
 * neighbouring positions from `position` on, pixels from `pixel` on that are stride[1] apart (offsets within the
 * plane), and the offset of the place in the kernel.
 */
function meetings(
  { pixels: [h, w], positions: [rows, cols], kernel: [kh, kw] }: Planes,
  { stride, padding, dilation = [1, 1] }: Args,
  visit: (place: number, position: number, pixel: number, count: number) => void,
): void {
  for (let u = 0; u < kh; u++) {
    for (let v = 0; v < kw; v++) {
      const across = v * dilation[1] - padding[1];
      const first = Math.max(0, Math.ceil(-across / stride[1]));
      const end = Math.min(cols, Math.ceil((w - across) / stride[1]));
      for (let i = 0; i < rows; i++) {
        const row = i * stride[0] - padding[0] + u * dilation[0];
        const col = first * stride[1] + across;
        if (row >= 0 && row < h && end > first) visit(u * kw + v, i * cols + first, row * w + col, end - first);
      }
    }
  }
}

/** The convolution of x by weight in float64, by its definition. */
export function convolved(x: NdArray, weight: NdArray, bias: NdArray | undefined, args: Args): NdArray {
  const [n, inC, h, w] = four(x.shape);
  const [outC, each, kh, kw] = four(weight.shape);
  const { stride, padding, dilation = [1, 1], groups = 1 } = args;
  const rows = Math.floor((h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) / stride[0]) + 1;
  const cols = Math.floor((w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) / stride[1]) + 1;
  const sizes: Planes = { pixels: [h, w], positions: [rows, cols], kernel: [kh, kw] };
  const y = nd([n, outC, rows, cols], (i) => (bias ? at(bias, Math.floor(i / (rows * cols)) % outC) : 0));
  for (let b = 0; b < n; b++) {
    for (let o = 0; o < outC; o++) {
      const result = y.data.subarray((b * outC + o) * rows * cols);
      const firstC = Math.floor((o * groups) / outC) * each;
      for (let c = 0; c < each; c++) {
        const source = x.data.subarray((b * inC + firstC + c) * h * w);
        meetings(sizes, args, (place, position, pixel, count) => {
          const factor = at(weight, (o * each + c) * kh * kw + place);
          for (let k = 0; k < count; k++) {
            (result[position + k] as number) += factor * (source[pixel + k * stride[1]] as number);
          }
        });
      }
    }
  }
  return y;
}

/** Every input value is a position: adds the kernel, times the value, to the pixels that it meets there. */
export function painted(x: NdArray, weight: NdArray, bias: NdArray | undefined, args: Args): NdArray {
  const [n, inC, rows, cols] = four(x.shape);
  const [, each, kh, kw] = four(weight.shape);
  const { stride, padding, outputPadding, dilation = [1, 1], groups = 1 } = args;
  const outC = each * groups;
  const h = (rows - 1) * stride[0] - 2 * padding[0] + dilation[0] * (kh - 1) + 1 + outputPadding[0];
  const w = (cols - 1) * stride[1] - 2 * padding[1] + dilation[1] * (kw - 1) + 1 + outputPadding[1];
  const sizes: Planes = { pixels: [h, w], positions: [rows, cols], kernel: [kh, kw] };
  const y = nd([n, outC, h, w], (i) => (bias ? at(bias, Math.floor(i / (h * w)) % outC) : 0));
  for (let b = 0; b < n; b++) {
    for (let o = 0; o < outC; o++) {
      const result = y.data.subarray((b * outC + o) * h * w);
      const firstC = Math.floor(o / each) * (inC / groups);
      for (let c = firstC; c < firstC + inC / groups; c++) {
        const source = x.data.subarray((b * inC + c) * rows * cols);
        meetings(sizes, args, (place, position, pixel, count) => {
          const factor = at(weight, (c * each + (o % each)) * kh * kw + place);
          for (let k = 0; k < count; k++) {
            (result[pixel + k * stride[1]] as number) += factor * (source[position + k] as number);
          }
        });
      }
    }
  }
  return y;
}
