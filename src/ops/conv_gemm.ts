import source from '../../shaders/conv_gemm.wgsl';
import type { Kernel } from '../gpu/kernel.ts';
import { dispatch, folded } from '../tape/dispatch.ts';
import type { Tensor } from '../tape/tensor.ts';
import { type ConvGeometry, geometryParams } from './conv_geometry.ts';
import { addParts, partsOf } from './conv_parts.ts';
import { weightSlices } from './conv_slices.ts';
import type { ConvDirection, ConvVariant } from './conv_variant.ts';

/** Convolutions of any kind on GPUs; see `shaders/conv_gemm.wgsl`. Every function records into the program at hand. */

const COLUMNS = 64;
/** Workgroups enough to fill a large GPU: a long reduction with fewer is split. */
const ENOUGH_WORKGROUPS = 256;
/** Steps of depth that one workgroup sums over at least, and at most (which bounds the rounding error). */
const SHORTEST_SHARE = 256;
const LONGEST_SHARE = 4096;

/** Rows of the result that each invocation of 16 × 16 holds, so that a tile is not much taller than there are rows. */
const ROWS_EACH = [4, 2, 1];

/** `gemm ROWSxCOLUMNS`: the tile that a workgroup makes. */
export const gemm: ConvVariant = {
  sources: [source],
  choices(device, g, direction) {
    const rows = rowsOf(g, direction);
    const own = rows > 32 ? 4 : rows > 16 ? 2 : 1;
    // On a CPU smaller tiles only mean more of the barriers that cost most there.
    if (device.capabilities.cpu) return [choiceOf(own)];
    return [own, ...ROWS_EACH.filter((each) => each !== own && 8 * each < rows)].map(choiceOf);
  },
  kernels(choice) {
    const each = ROWS_EACH.find((n) => choiceOf(n) === choice);
    if (each === undefined) throw new Error(`"${choice}" is no tile of conv_gemm`);
    return {
      forward: (g, x, w, bias, y, slope) => gemmForward(each, g, x, w, bias, y, slope),
      inputGradient: (g, dy, w, bias, dx) => gemmInputGradient(each, g, dy, w, bias, dx),
      weightGradient: (g, x, dy, dw) => gemmWeightGradient(each, g, x, dy, dw),
    };
  },
};

const choiceOf = (each: number): string => `gemm ${16 * each}x${COLUMNS}`;

const rowsOf = (g: ConvGeometry, direction: ConvDirection): number => (direction === 'inputGradient' ? g.inC : g.outC);

/** y = conv(x, w) + bias, through a leaky ReLU where a slope is given. */
function gemmForward(
  each: number,
  g: ConvGeometry,
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  y: Tensor,
  slope = 1,
): void {
  for (const { first, count, slice } of weightSlices(w, g.outC)) {
    const size = { rows: count, cols: g.batch * g.outH * g.outW, depth: g.inC * g.kernelH * g.kernelW };
    const kernel = kernelFor(y, 'forward', each);
    dispatch(
      kernel,
      { x, w: slice, bias: bias ?? slice, result: y },
      params(g, size, { first, bias, slope }),
      folded(...grid(size, each)),
    );
  }
}

/** dx = gradient of conv's input (+ bias, for the transposed convolution). */
function gemmInputGradient(
  each: number,
  g: ConvGeometry,
  dy: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  dx: Tensor,
): void {
  // The channels of a slice are summed over, so later slices add to what the first has left.
  for (const { first, count, slice } of weightSlices(w, g.outC)) {
    const size = { rows: g.inC, cols: g.batch * g.inH * g.inW, depth: count * g.kernelH * g.kernelW };
    const kernel = kernelFor(dx, 'input_gradient', each);
    const more = { first, bias: first === 0 ? bias : undefined, accumulate: first > 0 };
    dispatch(
      kernel,
      { dy, w: slice, bias: bias ?? slice, result: dx },
      params(g, size, more),
      folded(...grid(size, each)),
    );
  }
}

/** dw = gradient of conv's weight. */
function gemmWeightGradient(each: number, g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): void {
  for (const { first, count, slice } of weightSlices(dw, g.outC)) {
    const size = { rows: count, cols: g.inC * g.kernelH * g.kernelW, depth: g.batch * g.outH * g.outW };
    const [across, down] = grid(size, each);
    const whole = slice === dw;
    const wanted = Math.max(Math.ceil(ENOUGH_WORKGROUPS / (across * down)), Math.ceil(size.depth / LONGEST_SHARE));
    const share = whole ? Math.max(SHORTEST_SHARE, Math.ceil(size.depth / wanted)) : size.depth;
    const splits = Math.ceil(size.depth / share);
    const parts = partsOf(dw, slice, splits);
    const kernel = kernelFor(dw, 'weight_gradient', each);
    dispatch(kernel, { x, dy, result: parts }, params(g, size, { first, share, partSize: dw.size }), [
      across,
      down,
      splits,
    ]);
    addParts(parts, dw, splits);
  }
}

interface Size {
  rows: number;
  cols: number;
  depth: number;
}

function kernelFor({ device }: Tensor, entry: string, each: number): Kernel {
  return device.kernel(`conv_gemm.${entry}`, source, entry, { TM: each });
}

function grid({ rows, cols }: Size, each: number): [number, number] {
  return [Math.ceil(cols / COLUMNS), Math.ceil(rows / (16 * each))];
}

interface More {
  first: number;
  bias?: Tensor | undefined;
  accumulate?: boolean;
  share?: number;
  partSize?: number;
  slope?: number;
}

function params(g: ConvGeometry, size: Size, more: More) {
  const { first, bias, accumulate = false, share = 0, partSize = 0, slope = 1 } = more;
  return {
    ...size,
    ...geometryParams(g),
    first,
    has_bias: bias ? 1 : 0,
    accumulate: accumulate ? 1 : 0,
    share,
    part_size: partSize,
    slope,
  };
}
