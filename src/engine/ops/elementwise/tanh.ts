import source from '../../../../shaders/elementwise/tanh.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';

/** Hyperbolic tangent, element-wise, in (−1, 1). Any shape. */
export function tanh(x: Tensor): Tensor {
  const y = x.like('tanh');
  const params = { n: x.size };
  dispatchElements(x.device.kernel('tanh', source, 'forward'), { x, y }, params);
  return differentiable(y, [x], (dy) => {
    const dx = x.like('tanh.dx');
    dispatchElements(x.device.kernel('tanh.backward', source, 'backward'), { result: y, dy, dx }, params);
    return [dx];
  });
}
