import { differentiable } from '../../tape/autograd.ts';
import { Tensor } from '../../tape/tensor.ts';
import { leakyReluGradient } from '../elementwise/activations.ts';
import { channelSum, leakyReluGradientAndSum } from '../reduce/channel_sum.ts';
import {
  type Conv2dActivation,
  type Conv2dOptions,
  type ConvTranspose2dOptions,
  convGeometry,
  transposedGeometry,
} from './options.ts';
import { convKernels } from './tuning/choose.ts';

/**
 * 2-D convolution (cross-correlation, as everywhere in the field): x (N, C, H, W), weight (O, C / groups, kh, kw),
 * bias (O) → (N, O, ⌊(H + 2·pad − dilation·(kh − 1) − 1) / stride⌋ + 1, …).
 * @throws PixtapeError if shapes or options do not fit. Source: as `torch.nn.functional.conv2d`.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: Conv2dOptions & Conv2dActivation = {},
): Tensor {
  const g = convGeometry('conv2d', x, weight, bias, options);
  const { slope } = options;
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
 * 2-D transposed convolution: x (N, C, H, W), weight (C, O / groups, kh, kw), bias (O) →
 * (N, O, (H − 1)·stride − 2·pad + dilation·(kh − 1) + 1 + outputPadding, …). It is the input gradient of the convolution
 * that goes the other way, so the same three kernels serve it with their roles exchanged.
 * @throws PixtapeError if shapes or options do not fit. Source: as `torch.nn.functional.conv_transpose2d`.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvTranspose2dOptions = {},
): Tensor {
  const g = transposedGeometry('convTranspose2d', x, weight, bias, options);
  const y = Tensor.activation(x.device, [g.batch, g.inC, g.inH, g.inW], 'conv_transpose2d');
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
