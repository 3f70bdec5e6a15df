import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, aWholeNumber, checkArguments } from '../arguments.ts';
import { nchw } from '../launch.ts';
import { aPair, type Pair, pairOf } from '../pair.ts';

/** The sizes of a pooling's windows, input and result. */
export interface PoolSides {
  kernelH: number;
  kernelW: number;
  strideH: number;
  strideW: number;
  padH: number;
  padW: number;
  inH: number;
  inW: number;
  outH: number;
  outW: number;
}

/** The rules of a pooling's sides. */
export const POOL_RULES = {
  kernel: aPair(aWholeNumber(1)),
  stride: aPair(aWholeNumber(1)),
  padding: aPair(aWholeNumber()),
};

/** @throws PixtapeError if an argument is out of its range, or a window larger than the padded picture */
export function poolSides(op: string, x: Tensor, kernel: Pair, stride: Pair, padding: Pair): PoolSides {
  checkArguments(op, { x: aTensor, ...POOL_RULES }, { x, kernel, stride, padding });
  const [, , inH, inW] = nchw(op, x.shape);
  const [kernelH, kernelW] = pairOf(kernel);
  const [strideH, strideW] = pairOf(stride);
  const [padH, padW] = pairOf(padding);
  if (padH > kernelH / 2 || padW > kernelW / 2) {
    throw new PixtapeError(
      `${op}: padding ${padH}, ${padW} must be at most half the kernel's ${kernelH}, ${kernelW}`,
      'Pad by pad() first: it takes any number.',
      { details: { padding, kernel } },
    );
  }
  const outH = Math.floor((inH + 2 * padH - kernelH) / strideH) + 1;
  const outW = Math.floor((inW + 2 * padW - kernelW) / strideW) + 1;
  if (outH < 1 || outW < 1) {
    throw new PixtapeError(`${op}: the ${kernelH} × ${kernelW} window is larger than the padded input [${x.shape}]`);
  }
  return { kernelH, kernelW, strideH, strideW, padH, padW, inH, inW, outH, outW };
}

/** The sizes under their names in the shaders. */
export function poolParams(s: PoolSides) {
  return {
    in_h: s.inH,
    in_w: s.inW,
    out_h: s.outH,
    out_w: s.outW,
    kernel_h: s.kernelH,
    kernel_w: s.kernelW,
    stride_h: s.strideH,
    stride_w: s.strideW,
    pad_h: s.padH,
    pad_w: s.padW,
  };
}
