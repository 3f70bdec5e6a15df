import epilogue from '../../../../../../shaders/conv/gemm/gemm_epilogue.wgsl';
import operands from '../../../../../../shaders/conv/gemm/gemm_operands.wgsl';
import rowSums from '../../../../../../shaders/conv/gemm/gemm_row_sums.wgsl';
import leakyRelu from '../../../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { Device } from '../../../../gpu/device.ts';
import type { Kernel } from '../../../../gpu/shader/kernel.ts';
import type { StorageSlice } from '../../../../gpu/storage.ts';
import { deferSum } from '../../../../tape/deferred/sums.ts';
import { dispatch, split2d } from '../../../../tape/dispatch.ts';
import { Tensor } from '../../../../tape/tensor.ts';
import { channelSum } from '../../../reduce/channel_sum.ts';
import type { ConvDirection, ConvKernels } from '../../algorithm.ts';
import { type ConvGeometry, weightSize } from '../../geometry.ts';
import { weightSlices } from '../../slices.ts';
import { besides, type Epilogue, reduceSplitK, splitKBuffer } from '../../split_k.ts';
import { offsetTables } from './offset_tables.ts';
import { grid, LARGEST_TILE, PASSES, type ProductSize, parallelismOf, splitOf, type Tile } from './tiles.ts';

/**
 * Records convolutions as matrix products, for any kernel that multiplies; see `shaders/conv/gemm/gemm_operands.wgsl`,
 * which all of them share. Every function records into the current program.
 */

/** The cases that the kernel must handle. It is compiled without the others. */
export interface Cases {
  /** See `isWide`. */
  wide: boolean;
  /** The last passes go beyond the depth. */
  tail: boolean;
  /** Some operands are zeros that are not in memory. */
  masked: boolean;
  /** The sums of the rows are needed, too. */
  rowSums: boolean;
}

/** The constants of `gemm_operands.wgsl`, for a tile with this many invocations. */
export function operandConstants(
  { rows, cols }: Pick<Tile, 'rows' | 'cols'>,
  invocations: number,
  quads: number,
  cases: Cases,
) {
  const { wide, tail, masked, rowSums } = cases;
  return {
    QUADS: quads,
    A_QUADS: Math.ceil((quads * rows) / invocations),
    B_QUADS: (quads * cols) / invocations,
    B_COLS: Math.max(cols / invocations, 1),
    A_WIDE: wide ? 1 : 0,
    TAIL: tail ? 1 : 0,
    MASKED: masked ? 1 : 0,
    ROW_SUMS: rowSums ? 1 : 0,
  };
}

/** A kernel's text with the shared texts: `rowSums` for that case, `plain` for all others. */
export function finished(text: string): { plain: string; rowSums: string } {
  const shared = `${text}\n${operands}`;
  return { plain: `${shared}\n${epilogue}\n${leakyRelu}`, rowSums: `${shared}\n${rowSums}` };
}

/** A product kernel on one device. */
export interface ProductKernel {
  /** The name of its dispatches. */
  name: string;
  tile: Tile;
  /** Vectors of four depth steps per pass. */
  quads: number;
  kernelFor(cases: Cases): Kernel;
}

/** The three directions of a convolution, by this kernel. */
export function productKernels(on: (device: Device) => ProductKernel): ConvKernels {
  return {
    forward: (g, x, w, bias, y, slope = 1) => {
      const finish = { bias, slope, channels: g.outC, plane: g.outH * g.outW };
      multiply(on(x.device), g, 'forward', w, { b: x, result: y, finish });
    },
    inputGradient: (g, dy, w, bias, dx) => {
      const finish = { bias, slope: 1, channels: g.inC, plane: g.inH * g.inW };
      multiply(on(dy.device), g, 'inputGradient', w, { b: dy, result: dx, finish });
    },
    inputGradientBehind: (g, dy, w, dx, x, slope) => {
      const finish = { activated: x, slope, channels: g.inC, plane: g.inH * g.inW };
      multiply(on(dy.device), g, 'inputGradient', w, { b: dy, result: dx, finish });
    },
    inputGradientOnTop: (g, dy, w, dx, added) => {
      const finish = { added, slope: 1, channels: g.inC, plane: g.inH * g.inW };
      multiply(on(dy.device), g, 'inputGradient', w, { b: dy, result: dx, finish });
    },
    weightGradient: (g, x, dy, dw) => multiply(on(x.device), g, 'weightGradient', dw, { a: dy, b: x }),
    weightAndBiasGradient: (g, x, dy, dw) => {
      const together = g.groups === 1 && weightSlices(dw, g).length === 1;
      const dbias = together ? Tensor.temporary(dw.device, [g.outC], 'bias.grad') : channelSum(dy);
      multiply(on(x.device), g, 'weightGradient', dw, { a: dy, b: x, ...(together && { rowSums: dbias }) });
      return dbias;
    },
  };
}

/**
 * Positions of a picture from which each picture gets its own parts of the weight gradient. One table then serves all
 * pictures. Layers with so many positions have small weights, whose sums are split anyway.
 */
const LARGE_PICTURE = 512;

/** The sizes of a direction's matrix products, with `count` of each group's output channels. */
export function sizeOf(g: ConvGeometry, direction: ConvDirection, count = g.outC / g.groups): ProductSize {
  const taps = g.kernelH * g.kernelW;
  const plane = g.outH * g.outW;
  const outs = g.batch * plane;
  const into = g.inC / g.groups;
  const products = g.groups;
  if (direction === 'forward') return { rows: count, cols: outs, depth: into * taps, products };
  if (direction === 'inputGradient') {
    return { rows: into, cols: g.batch * g.inH * g.inW, depth: count * taps, products };
  }
  const isSlice = count < g.outC / g.groups;
  const pictures = plane >= LARGE_PICTURE && !isSlice ? g.batch : 1;
  return { rows: count, cols: into * taps, depth: outs / pictures, products, pictures };
}

/** Strides from one picture to the next, and the columns and splits of a picture. */
function pictureStrides(g: ConvGeometry, direction: ConvDirection, { cols, pictures }: ProductSize, splits: number) {
  const [ins, outs] = [g.inH * g.inW, g.outH * g.outW];
  if (direction === 'weightGradient') {
    const strides = { a_picture: g.outC * outs, b_picture: g.inC * ins, result_picture: 0 };
    return { ...strides, picture_cols: cols + LARGEST_TILE, picture_splits: splits / (pictures ?? 1) };
  }
  const from = { a_picture: 0, picture_splits: splits };
  return direction === 'forward'
    ? { ...from, picture_cols: outs, b_picture: g.inC * ins, result_picture: g.outC * outs }
    : { ...from, picture_cols: ins, b_picture: g.outC * outs, result_picture: g.inC * ins };
}

/**
 * Where rows begin and their strides in `a` and in the result, for the output channels from `first` on; and the strides
 * to the next group.
 */
function strides(g: ConvGeometry, direction: ConvDirection, first: number) {
  const taps = g.kernelH * g.kernelW;
  const [plane, inPlane] = [g.outH * g.outW, g.inH * g.inW];
  const [into, out] = [g.inC / g.groups, g.outC / g.groups];
  const weight = weightSize(g) / g.groups;
  const none = { a_first: 0, b_first: 0, result_first: 0, bias_first: 0, bias_each: 0 };
  if (direction === 'forward') {
    const each = { a_each: weight, b_each: into * inPlane, result_each: out * plane, bias_each: out };
    return { ...none, ...each, a_row: into * taps, result_first: first * plane, result_row: plane, bias_first: first };
  }
  if (direction === 'inputGradient') {
    const each = { a_each: weight, b_each: out * plane, result_each: into * inPlane, bias_each: into };
    return { ...none, ...each, a_row: taps, b_first: first * plane, result_row: inPlane };
  }
  const each = { a_each: out * plane, b_each: into * inPlane, result_each: weight };
  return { ...none, ...each, a_first: first * plane, a_row: plane, result_row: into * taps };
}

/** Whether four depth steps of a row of `a` always lie in one vector. */
function isWide(g: ConvGeometry, direction: ConvDirection): boolean {
  if (direction === 'forward') return ((g.inC / g.groups) * g.kernelH * g.kernelW) % 4 === 0;
  return direction === 'weightGradient' && (g.outH * g.outW) % 4 === 0;
}

/** Whether some windows reach into the padding, or some inputs are not reached by a tap. */
function hasZeros({ kernelH, kernelW, strideH, strideW, padH, padW }: ConvGeometry, direction: ConvDirection): boolean {
  return padH + padW > 0 || (direction === 'inputGradient' && kernelH * kernelW * strideH * strideW > 1);
}

/** The operands: `a` and `b` of the shader, and the result. An omitted one is the weight, or its slice. */
interface Operands {
  a?: Tensor;
  b: Tensor;
  result?: Tensor;
  finish?: Epilogue;
  /** The sums of the rows of `a`, if they are needed. */
  rowSums?: Tensor;
}

/** The pieces of the weight, or of its gradient, that are bound at once: slices of a large one, or all groups of it. */
function runsOf(weight: Tensor, g: ConvGeometry): { first: number; count: number; slice: Tensor | StorageSlice }[] {
  return g.groups > 1 ? [{ first: 0, count: g.outC / g.groups, slice: weight }] : weightSlices(weight, g);
}

/** Records the products for every slice of `weight`, which is the weight or its gradient. */
function multiply(
  { name, tile, quads, kernelFor }: ProductKernel,
  g: ConvGeometry,
  direction: ConvDirection,
  weight: Tensor,
  { a, b, result, finish, rowSums }: Operands,
): void {
  const whole = result ?? weight;
  const wide = isWide(g, direction);
  for (const { first, count, slice } of runsOf(weight, g)) {
    const size = sizeOf(g, direction, count);
    const tail = size.depth % PASSES !== 0;
    // The slices of a weight are not split further.
    const { share, splits } =
      slice === weight
        ? splitOf(tile, size, direction, parallelismOf(weight.device))
        : { share: size.depth, splits: 1 };
    // The input gradient sums over the channels of a slice: later slices add to the result of the first, and the sum is
    // complete with the last.
    const accumulate = direction === 'inputGradient' && first > 0;
    const isWhole = direction !== 'inputGradient' || first + count === g.outC / g.groups;
    const { bias, slope = 1, ...rest } = (splits === 1 && finish) || {};
    const [beside, kind] = besides(rest);
    const left = a ?? slice;
    const parts = splitKBuffer(whole, result ?? slice, splits);
    const pictures = direction === 'weightGradient' ? g.batch / (size.pictures ?? 1) : 1;
    const { columns, depths } = offsetTables(weight.device, g, direction, count, pictures);
    const [x, y, z] = split2d(...grid(tile, size));
    const kernel = kernelFor({
      wide,
      tail,
      masked: tail || hasZeros(g, direction),
      rowSums: rowSums !== undefined,
    });
    const operands = { a: left, a_wide: wide ? left : columns, b, columns, depths, result: parts };
    const { rows, cols, depth, products } = size;
    const params = {
      ...{ rows, cols, depth, products },
      ...strides(g, direction, first),
      ...pictureStrides(g, direction, size, splits),
      has_bias: bias && !accumulate ? 1 : 0,
      accumulate: accumulate ? 1 : 0,
      splits,
      share,
      part_size: whole.size,
      slope: isWhole ? slope : 1,
      besides: isWhole ? kind : 0,
      zero: 0,
    };
    // The shader separates folded columns, products and splits again.
    const groups = [x, y, z * products * splits] as const;
    const label = `${name}.${direction} ${g.kernelH}×${g.kernelW} ${tile.rows}x${tile.cols}`;
    if (rowSums) {
      const sums = Tensor.temporary(weight.device, [splits, quads, size.rows], 'bias.grad.parts');
      dispatch(kernel, { ...operands, row_sums: sums }, params, groups, label);
      deferSum(rowSums, [{ values: sums.storage, step: 1, stride: size.rows, count: splits * quads }]);
    } else {
      dispatch(kernel, { ...operands, bias: bias ?? left, beside: beside ?? left }, params, groups, label);
    }
    reduceSplitK(parts, whole, splits, finish);
  }
}
