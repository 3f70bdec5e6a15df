import { differentiable } from '../../tape/autograd.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { leakyReluGradient } from '../elementwise/activations.ts';
import { channelSum, leakyReluGradientAndSum } from '../reduce/channel_sum.ts';
import { type ConvGeometry, positions } from './geometry.ts';
import { convKernels } from './tuning/choose.ts';

export interface Conv2dOptions {
  /** Default 1. */
  stride?: number | readonly [number, number];
  /** Zeros around the picture, default 0. */
  padding?: number | readonly [number, number];
}

export interface Conv2dActivation {
  /** A leaky ReLU of this slope on the result, in the same pass: saves reading and writing the result once more. */
  slope?: number;
}

/**
 * 2-D convolution (cross-correlation, as everywhere in the field): x (N, C, H, W), weight (O, C, kh, kw), bias (O) →
 * (N, O, ⌊(H + 2·pad − kh) / stride⌋ + 1, …). Kernel sides 1–7, any stride and padding, H ≠ W.
 * @throws PixtapeError if shapes do not fit. Source: as `torch.nn.functional.conv2d`, without groups and dilation.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: Conv2dOptions & Conv2dActivation = {},
): Tensor {
  const { slope } = options;
  if (slope !== undefined && !(slope >= 0)) throw new PixtapeError(`conv2d: slope ${slope}; it must be at least 0`);
  const g = geometry('conv2d', x.shape, weight.shape, options);
  checkBias('conv2d', bias, g.outC);
  const y = Tensor.activation(x.device, [g.batch, g.outC, g.outH, g.outW], 'conv2d');
  const kernels = convKernels(x.device, g);
  kernels.forward(g, x, weight, bias, y, slope);
  return differentiable(y, bias ? [x, weight, bias] : [x, weight], (dy, needs) => {
    const { dz, dbias } = beforeActivation(y, dy, slope, bias !== undefined && (needs[2] ?? false));
    return [
      needs[0] ? gradient(x, (dx) => kernels.inputGradient(g, dz, weight, undefined, dx)) : undefined,
      needs[1] ? gradient(weight, (dw) => kernels.weightGradient(g, x, dz, dw)) : undefined,
      dbias,
    ];
  });
}

/**
 * 2-D transposed convolution: x (N, C, H, W), weight (C, O, kh, kw), bias (O) →
 * (N, O, (H − 1)·stride − 2·pad + kh + outputPadding, …). It is the input gradient of the convolution that goes the
 * other way, so the same three kernels serve it with their roles exchanged.
 * @throws PixtapeError if shapes do not fit. Source: as `torch.nn.functional.conv_transpose2d`, without groups.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: Conv2dOptions & { outputPadding?: number | readonly [number, number] } = {},
): Tensor {
  const [n, c, h, w] = fourSides('convTranspose2d', x.shape, 'input');
  const [wc, o, kh, kw] = fourSides('convTranspose2d', weight.shape, 'weight');
  const [sh, sw] = pair(options.stride, 1);
  const [ph, pw] = pair(options.padding, 0);
  const [eh, ew] = pair(options.outputPadding, 0);
  if (c !== wc)
    throw new PixtapeError(
      `convTranspose2d: the input [${x.shape}] has ${c} channels, the weight [${weight.shape}] takes ${wc}`,
    );
  if (eh >= sh || ew >= sw)
    throw new PixtapeError(`convTranspose2d: outputPadding ${eh}, ${ew} must be less than the stride ${sh}, ${sw}`);
  checkBias('convTranspose2d', bias, o);
  const outH = (h - 1) * sh - 2 * ph + kh + eh;
  const outW = (w - 1) * sw - 2 * pw + kw + ew;
  if (outH < 1 || outW < 1)
    throw new PixtapeError(`convTranspose2d: the result of [${x.shape}] would be ${outW} × ${outH}`);
  // The convolution whose input gradient this is: it reads our result and writes our input.
  const g = geometry('convTranspose2d', [n, o, outH, outW], weight.shape, options);
  const y = Tensor.activation(x.device, [n, o, outH, outW], 'conv_transpose2d');
  const kernels = convKernels(x.device, g);
  kernels.inputGradient(g, x, weight, bias, y);
  return differentiable(y, bias ? [x, weight, bias] : [x, weight], (dy, needs) => [
    needs[0] ? gradient(x, (dx) => kernels.forward(g, dy, weight, undefined, dx)) : undefined,
    needs[1] ? gradient(weight, (dw) => kernels.weightGradient(g, dy, x, dw)) : undefined,
    needs[2] && bias ? channelSum(dy) : undefined,
  ]);
}

/** The gradient before the leaky ReLU, if there is one, and the bias's gradient, if it is wanted. */
function beforeActivation(
  y: Tensor,
  dy: Tensor,
  slope: number | undefined,
  needsBias: boolean,
): { dz: Tensor; dbias: Tensor | undefined } {
  if (slope === undefined) return { dz: dy, dbias: needsBias ? channelSum(dy) : undefined };
  if (!needsBias) return { dz: leakyReluGradient(y, dy, slope), dbias: undefined };
  const { dx, sum } = leakyReluGradientAndSum(y, dy, slope);
  return { dz: dx, dbias: sum };
}

function gradient(of: Tensor, compute: (result: Tensor) => void): Tensor {
  const result = of.like(`${of.label}.grad`);
  compute(result);
  return result;
}

function geometry(op: string, x: readonly number[], weight: readonly number[], options: Conv2dOptions): ConvGeometry {
  const [batch, inC, inH, inW] = fourSides(op, x, 'input');
  const [outC, wc, kernelH, kernelW] = fourSides(op, weight, 'weight');
  const [strideH, strideW] = pair(options.stride, 1);
  const [padH, padW] = pair(options.padding, 0);
  if (inC !== wc)
    throw new PixtapeError(`${op}: the input [${x}] has ${inC} channels, the weight [${weight}] takes ${wc}`);
  if (!(strideH >= 1 && strideW >= 1 && padH >= 0 && padW >= 0)) {
    throw new PixtapeError(
      `${op}: stride ${strideH}, ${strideW} must be at least 1 and padding ${padH}, ${padW} at least 0`,
    );
  }
  const outH = positions(inH, kernelH, strideH, padH);
  const outW = positions(inW, kernelW, strideW, padW);
  if (outH < 1 || outW < 1) {
    throw new PixtapeError(
      `${op}: the ${kernelW} × ${kernelH} kernel is larger than the padded input [${x}], padding ${padW}, ${padH}`,
    );
  }
  return { batch, inC, inH, inW, outC, outH, outW, kernelH, kernelW, strideH, strideW, padH, padW };
}

function fourSides(op: string, shape: readonly number[], what: string): [number, number, number, number] {
  if (shape.length !== 4) throw new PixtapeError(`${op}: the ${what} is [${shape}]; four sides are wanted`);
  return shape as unknown as [number, number, number, number];
}

function pair(value: number | readonly [number, number] | undefined, fallback: number): readonly [number, number] {
  if (value === undefined) return [fallback, fallback];
  return typeof value === 'number' ? [value, value] : value;
}

function checkBias(op: string, bias: Tensor | undefined, channels: number): void {
  if (bias && bias.size !== channels)
    throw new PixtapeError(`${op}: the bias is [${bias.shape}], ${channels} values are wanted`);
}
