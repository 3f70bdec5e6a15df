import source from '../../../../shaders/elementwise/leaky_relu.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';

/**
 * Leaky ReLU, element-wise: x where x > 0, slope · x elsewhere; slope ≥ 0. Any shape.
 * Source: Maas, Hannun & Ng 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic Models".
 */
export function leakyRelu(x: Tensor, slope: number): Tensor {
  if (!(slope >= 0)) throw new Error(`leakyRelu: slope ${slope}; it must be at least 0`);
  const y = x.like('leaky_relu');
  const params = { n: x.size, slope };
  dispatchElements(x.device.kernel('leaky_relu', source, 'forward'), { x, y }, params);
  return differentiable(y, [x], (dy) => [leakyReluGradient(y, dy, slope)]);
}

/** The gradient before a leaky ReLU, from its result y and the gradient dy of that. Nothing on the tape. */
export function leakyReluGradient(y: Tensor, dy: Tensor, slope: number): Tensor {
  const dx = y.like('leaky_relu.dx');
  const kernel = y.device.kernel('leaky_relu.backward', source, 'backward');
  dispatchElements(kernel, { result: y, dy, dx }, { n: y.size, slope });
  return dx;
}

/** ReLU, element-wise: max(x, 0). Any shape. */
export function relu(x: Tensor): Tensor {
  return leakyRelu(x, 0);
}
