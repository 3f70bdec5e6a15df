import { currentProgram } from '../../tape/current.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { convolve, inputGradient } from './directions.ts';
import {
  type Conv2dActivation,
  type Conv2dOptions,
  type ConvTranspose2dOptions,
  convGeometry,
  transposedGeometry,
} from './options.ts';

/**
 * 2-D convolution (cross-correlation, as everywhere in the field): x (N, C, H, W), weight (O, C / groups, kh, kw),
 * bias (O) → (N, O, ⌊(H + 2·pad − dilation·(kh − 1) − 1) / stride⌋ + 1, …). Gradients of any order.
 * @throws PixtapeError if shapes or options do not fit. Source: as `torch.nn.functional.conv2d`.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: Conv2dOptions & Conv2dActivation = {},
): Tensor {
  const g = convGeometry('conv2d', x, weight, bias, options);
  const dtype = currentProgram(x.device).precision;
  return convolve(g, { x, w: weight, bias, slope: options.slope }, { label: 'conv2d', dtype });
}

/**
 * 2-D transposed convolution: x (N, C, H, W), weight (C, O / groups, kh, kw), bias (O) → (N, O, (H − 1)·stride − 2·pad
 * + dilation·(kh − 1) + 1 + outputPadding, …). It is the input gradient of the convolution from the result's shape to
 * x's. Gradients of any order.
 * @throws PixtapeError if shapes or options do not fit. Source: as `torch.nn.functional.conv_transpose2d`.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvTranspose2dOptions = {},
): Tensor {
  const g = transposedGeometry('convTranspose2d', x, weight, bias, options);
  const dtype = currentProgram(x.device).precision;
  return inputGradient(g, { dy: x, w: weight, bias }, { label: 'conv_transpose2d', dtype });
}
