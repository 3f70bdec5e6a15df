import fc from 'fast-check';
import type { Problem } from '../table_row.ts';

/** Random and chosen problems for convolutions. */

/** For both axes: [down, across]. */
export type Pair = [number, number];

export interface Args {
  stride: Pair;
  padding: Pair;
  /** For a transposed convolution: rows and columns at the end that no input reaches. */
  outputPadding: Pair;
  /** Default 1. */
  dilation?: Pair;
  groups?: number;
}

interface Axis {
  kernel: number;
  stride: number;
  padding: number;
  outputPadding: number;
  /** Pixels beyond the smallest side that fits. */
  extra: number;
  dilation: number;
}

/** Equal in one case of three: square kernels may have special kernels. */
export function axes(largestKernel: number, mostDilation: number): fc.Arbitrary<[Axis, Axis]> {
  const axis: fc.Arbitrary<Axis> = fc.record({
    kernel: fc.integer({ min: 1, max: largestKernel }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.integer({ min: 0, max: 3 }),
    outputPadding: fc.nat(2),
    extra: fc.oneof(fc.constant(0), fc.nat(6)),
    dilation: fc.integer({ min: 1, max: mostDilation }),
  });
  return fc.tuple(axis, axis, fc.nat(2)).map(([a, b, kind]): [Axis, Axis] => {
    return kind > 0 ? [a, b] : [a, { ...a, extra: b.extra }];
  });
}

/** Makes a line of a picture: nothing happens across. */
export function lines(largestKernel: number, mostDilation: number): fc.Arbitrary<[Axis, Axis]> {
  const across: Axis = { kernel: 1, stride: 1, padding: 0, outputPadding: 0, extra: 0, dilation: 1 };
  return axes(largestKernel, mostDilation).map(([axis]) => [axis, across]);
}

export const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  inC: fc.integer({ min: 1, max: 3 }),
  outC: fc.integer({ min: 1, max: 4 }),
  bias: fc.boolean(),
});
type Sizes = typeof sizes extends fc.Arbitrary<infer T> ? T & { groups?: number } : never;

/** Channels per group, and groups: often one channel per group. */
export const grouped = fc
  .tuple(sizes, fc.integer({ min: 1, max: 4 }), fc.boolean())
  .map(([s, groups, depthwise]): Sizes => ({ ...s, groups, ...(depthwise ? { inC: 1 } : {}) }));

/** Pixels under a kernel, dilation included. */
const spread = ({ kernel, dilation }: Axis): number => dilation * (kernel - 1) + 1;

export function forwardProblem([[a, b], { batch, inC, outC, bias, groups = 1 }]: [[Axis, Axis], Sizes]): Problem<Args> {
  const side = (axis: Axis) => Math.max(1, spread(axis) - 2 * axis.padding) + axis.extra;
  const x = [batch, inC * groups, side(a), side(b)];
  const shapes = [x, [outC * groups, inC, a.kernel, b.kernel], ...(bias ? [[outC * groups]] : [])];
  const stride: Pair = [a.stride, b.stride];
  return {
    shapes,
    args: {
      stride,
      padding: [a.padding, b.padding],
      outputPadding: [0, 0],
      dilation: [a.dilation, b.dilation],
      groups,
    },
  };
}

export function transposedProblem([[a, b], { batch, inC, outC, bias, groups = 1 }]: [
  [Axis, Axis],
  Sizes,
]): Problem<Args> {
  const more = ({ outputPadding, stride, dilation }: Axis) => Math.min(outputPadding, Math.max(stride, dilation) - 1);
  // The smallest input whose result has a pixel, and a few pixels more.
  const side = (x: Axis) => {
    const least = Math.ceil((2 * x.padding + 1 - spread(x) - more(x)) / x.stride) + 1;
    return Math.max(1, least) + Math.min(x.extra, 4);
  };
  const x = [batch, inC * groups, side(a), side(b)];
  const shapes = [x, [inC * groups, outC, a.kernel, b.kernel], ...(bias ? [[outC * groups]] : [])];
  const outputPadding: Pair = [more(a), more(b)];
  return {
    shapes,
    args: {
      stride: [a.stride, b.stride],
      padding: [a.padding, b.padding],
      outputPadding,
      dilation: [a.dilation, b.dilation],
      groups,
    },
  };
}

interface More {
  bias?: boolean;
  outputPadding?: number;
  dilation?: number;
  groups?: number;
}

/** A problem that is square in every respect. */
export function convProblem(
  x: number[],
  w: number[],
  stride: number,
  padding: number,
  { bias = true, outputPadding = 0, dilation = 1, groups = 1 }: More = {},
): Problem<Args> {
  const both = (n: number): Pair => [n, n];
  const args = {
    stride: both(stride),
    padding: both(padding),
    outputPadding: both(outputPadding),
    dilation: both(dilation),
    groups,
  };
  return { shapes: bias ? [x, w, [w[0] as number]] : [x, w], args };
}

export function transposedProblemOf(
  x: number[],
  w: number[],
  stride: number,
  padding: number,
  more: More = {},
): Problem<Args> {
  const problem = convProblem(x, w, stride, padding, { ...more, bias: false });
  return { ...problem, shapes: [x, w, [(w[1] as number) * (more.groups ?? 1)]] };
}
