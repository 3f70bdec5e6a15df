import source from '../../../../shaders/elementwise/add.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { checkSameShape } from '../check.ts';

/**
 * Sum of two tensors, element-wise; the gradient passes to both as it is.
 * @throws PixtapeError if their shapes differ.
 */
export function add(a: Tensor, b: Tensor): Tensor {
  checkSameShape('add', a, b);
  const y = a.like('add');
  dispatchElements(a.device.kernel('add', source, 'forward'), { a, b, y }, { n: a.size });
  return differentiable(y, [a, b], (dy) => [dy, dy]);
}
