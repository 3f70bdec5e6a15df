import source from '../../shaders/conv_direct.wgsl';
import { dispatchFlat } from '../tape/dispatch.ts';
import type { Tensor } from '../tape/tensor.ts';
import { type ConvGeometry, geometryParams } from './conv_geometry.ts';

/** Convolutions straight from their definition: slow, and what the faster kernels are held against. */

/** y = conv(x, w) + bias, through a leaky ReLU where a slope is given. */
export function directForward(
  g: ConvGeometry,
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  y: Tensor,
  slope = 1,
): void {
  const kernel = y.device.kernel('conv_direct.forward', source, 'forward');
  dispatchFlat(kernel, { x, w, bias: bias ?? w, result: y }, params(g, y, bias, slope));
}

/** dx = gradient of conv's input (+ bias, for the transposed convolution). */
export function directInputGradient(
  g: ConvGeometry,
  dy: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  dx: Tensor,
): void {
  const kernel = dx.device.kernel('conv_direct.input_gradient', source, 'input_gradient');
  dispatchFlat(kernel, { dy, w, bias: bias ?? w, result: dx }, params(g, dx, bias));
}

/** dw = gradient of conv's weight. */
export function directWeightGradient(g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): void {
  const kernel = dw.device.kernel('conv_direct.weight_gradient', source, 'weight_gradient');
  dispatchFlat(kernel, { x, dy, result: dw }, params(g, dw));
}

function params(g: ConvGeometry, result: Tensor, bias?: Tensor, slope = 1) {
  return {
    n: result.size,
    batch: g.batch,
    ...geometryParams(g),
    has_bias: bias ? 1 : 0,
    slope,
  };
}
