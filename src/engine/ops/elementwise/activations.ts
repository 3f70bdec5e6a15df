import eluSource from '../../../../shaders/elementwise/activation/elu.wgsl';
import geluSource from '../../../../shaders/elementwise/activation/gelu.wgsl';
import geluTanhSource from '../../../../shaders/elementwise/activation/gelu_tanh.wgsl';
import leakyReluSource from '../../../../shaders/elementwise/activation/leaky_relu.wgsl';
import sigmoidSource from '../../../../shaders/elementwise/activation/sigmoid.wgsl';
import siluSource from '../../../../shaders/elementwise/activation/silu.wgsl';
import softplusSource from '../../../../shaders/elementwise/activation/softplus.wgsl';
import tanhSource from '../../../../shaders/elementwise/activation/tanh.wgsl';
import leakyReluShared from '../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import log1p from '../../../../shaders/elementwise/shared/log1p.wgsl';
import logistic from '../../../../shaders/elementwise/shared/logistic.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { computeElementwise } from '../../tape/elementwise.ts';
import { parseElementwise } from '../../tape/elementwise_text.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { aNumber, aTensor, checkArguments, oneOf } from '../arguments.ts';
import { applyElementwise, unary } from './operation.ts';

/** Element-wise activations of tensors of any shape, each twice differentiable. Values as in PyTorch. */

const LEAKY_RELU = /* @__PURE__ */ parseElementwise('leakyRelu', leakyReluSource, leakyReluShared);
const SOFTPLUS = /* @__PURE__ */ parseElementwise('softplus', softplusSource, log1p, logistic);
const ELU = /* @__PURE__ */ parseElementwise('elu', eluSource);

/** Logistic sigmoid: 1 / (1 + e^−x), in (0, 1). */
export const sigmoid = unary('sigmoid', sigmoidSource, logistic);

/** Hyperbolic tangent, in (−1, 1). */
export const tanh = unary('tanh', tanhSource);

/** SiLU, or Swish: x · sigmoid(x). */
export const silu = unary('silu', siluSource, logistic);

const geluByErf = unary('gelu', geluSource);
const geluByTanh = unary('gelu', geluTanhSource, logistic);

/**
 * GELU: x · Φ(x), where Φ is the cumulative normal distribution.
 * @param approximate `tanh` uses tanh instead of the error function
 * @throws PixtapeError on any other word
 */
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  checkArguments('gelu', { approximate: oneOf('none', 'tanh') }, { approximate });
  return approximate === 'tanh' ? geluByTanh(x) : geluByErf(x);
}

/** ReLU: max(x, 0). NaN stays NaN. */
export function relu(x: Tensor): Tensor {
  checkArguments('relu', { x: aTensor }, { x });
  return applyElementwise(LEAKY_RELU, { x, slope: 0 });
}

/**
 * Leaky ReLU: x where x > 0, slope · x elsewhere; with slope 0 it is `relu`.
 * Source: Maas, Hannun & Ng 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic Models".
 * @throws PixtapeError unless slope is a finite number of at least 0
 */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  checkArguments('leakyRelu', { x: aTensor, slope: aNumber({ least: 0, finite: true }) }, { x, slope });
  return applyElementwise(LEAKY_RELU, { x, slope });
}

/** The gradient before a leaky ReLU, from its result y and that result's gradient dy. Nothing on the tape. */
export function leakyReluGradient(y: Tensor, dy: Tensor, slope: number): Tensor {
  const result = { shape: y.shape, label: 'leakyRelu.dx', dtype: y.dtype };
  return computeElementwise(y.device, LEAKY_RELU, 'dx', { y, dy, slope }, result);
}

/** `leakyReluGradient` on the tape of dy, in which it is linear and its own transpose. */
export function throughLeakyRelu(y: Tensor, dy: Tensor, slope: number): Tensor {
  const back = (d: Tensor) => [throughLeakyRelu(y, d, slope)];
  return differentiable(leakyReluGradient(y, dy, slope), [dy], back, back);
}

/**
 * Softplus: log(1 + e^(beta · x)) / beta, and x itself where beta · x is above the threshold.
 * @throws PixtapeError unless beta is above 0 and the threshold a number
 */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  const rules = { x: aTensor, beta: aNumber({ least: Number.MIN_VALUE, finite: true }), threshold: aNumber() };
  checkArguments('softplus', rules, { x, beta, threshold });
  return applyElementwise(SOFTPLUS, { x, beta, threshold });
}

/**
 * ELU: x where x > 0, alpha · (e^x − 1) elsewhere.
 * @throws PixtapeError unless alpha is a finite number
 */
export function elu(x: Tensor, alpha = 1): Tensor {
  checkArguments('elu', { x: aTensor, alpha: aNumber({ finite: true }) }, { x, alpha });
  return applyElementwise(ELU, { x, alpha });
}
