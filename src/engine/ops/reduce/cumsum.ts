import source from '../../../../shaders/reduce/cumsum.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { sizeOf, type Tensor } from '../../tape/tensor.ts';
import { aTensor, checkArguments } from '../arguments.ts';
import { axisOf } from '../axes.ts';

/**
 * Cumulative sum along an axis: element k is the sum of elements 0 … k. As `torch.cumsum`. Gradients of any order.
 * @throws PixtapeError if there is no such axis
 */
export function cumsum(x: Tensor, axis: number): Tensor {
  checkArguments('cumsum', { x: aTensor }, { x });
  return summedUp(x, axisOf('cumsum', x, axis), false);
}

function summedUp(x: Tensor, axis: number, backwards: boolean): Tensor {
  const y = x.like('cumsum');
  const length = x.shape[axis] as number;
  const params = { length, inner: sizeOf(x.shape.slice(axis + 1)), backwards: backwards ? 1 : 0 };
  dispatchElements(x.device.kernel('cumsum', source), { x, y }, { n: x.size / length, ...params });
  const back = (dy: Tensor) => [summedUp(dy, axis, !backwards)];
  return differentiable(y, [x], back, back);
}
