import source from '../../../../shaders/elementwise/mul.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { checkSameShape } from '../check.ts';

/**
 * Product of two tensors, element-wise; `mul(x, x)` is the square.
 * @throws PixtapeError if their shapes differ.
 */
export function mul(a: Tensor, b: Tensor): Tensor {
  checkSameShape('mul', a, b);
  const y = product(a, b, 'mul');
  return differentiable(y, [a, b], (dy, [needsA, needsB]) => {
    return [needsA ? product(dy, b, 'mul.da') : undefined, needsB ? product(dy, a, 'mul.db') : undefined];
  });
}

function product(a: Tensor, b: Tensor, label: string): Tensor {
  const y = a.like(label);
  dispatchElements(a.device.kernel('mul', source, 'forward'), { a, b, y }, { n: a.size });
  return y;
}
