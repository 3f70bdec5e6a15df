import source from '../../../../shaders/elementwise/sigmoid.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';

/** Logistic sigmoid, element-wise: 1 / (1 + e^−x), in (0, 1). Any shape. */
export function sigmoid(x: Tensor): Tensor {
  const y = x.like('sigmoid');
  const params = { n: x.size };
  dispatchElements(x.device.kernel('sigmoid', source, 'forward'), { x, y }, params);
  return differentiable(y, [x], (dy) => {
    const dx = x.like('sigmoid.dx');
    dispatchElements(x.device.kernel('sigmoid.backward', source, 'backward'), { result: y, dy, dx }, params);
    return [dx];
  });
}
