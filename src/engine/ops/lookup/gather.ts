import source from '../../../../shaders/lookup/gather.wgsl';
import oneHotSource from '../../../../shaders/lookup/one_hot.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { type Shape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, aWholeNumber, checkArguments } from '../arguments.ts';
import { axisOf } from '../axes.ts';
import { checkIndices } from './indices.ts';

/**
 * Selects elements along an axis by index, as `torch.gather`: y[i][j][k] = x[i][indices[i][j][k]][k] for axis 1. The
 * indices are u32. The result has their shape, which equals x's in all other axes. An index beyond the axis gives NaN.
 * The time of the gradient grows with the number of indices along the axis: nothing for a few of them (the label's
 * logit); for rows of a table use `embedding`. Gradients of any order.
 * @throws PixtapeError if the indices are not u32 or their shape does not fit
 */
export function gather(x: Tensor, axis: number, indices: Tensor): Tensor {
  checkArguments('gather', { x: aTensor, indices: aTensor }, { x, indices });
  checkIndices('gather', indices);
  const at = axisOf('gather', x, axis);
  const fits = indices.shape.length === x.shape.length && x.shape.every((n, k) => k === at || indices.shape[k] === n);
  if (!fits) {
    throw new PixtapeError(
      `gather: ${x.label} is [${x.shape}], the indices are [${indices.shape}]`,
      `They must be equally long along all axes but ${at}.`,
      { details: { shape: x.shape, indices: indices.shape, axis: at } },
    );
  }
  return picked(x, indices, at);
}

function paramsOf(shape: Shape, indices: Tensor, axis: number) {
  const [length = 1, picks = 1] = [shape[axis], indices.shape[axis]];
  return { length, picks, inner: sizeOf(shape.slice(axis + 1)) };
}

function picked(x: Tensor, indices: Tensor, axis: number): Tensor {
  const y = Tensor.temporary(x.device, indices.shape, 'gather', x.dtype);
  const kernel = x.device.kernel('gather', source, 'forward');
  dispatchElements(kernel, { index: indices, x, y }, { n: y.size, ...paramsOf(x.shape, indices, axis) });
  const back = (dy: Tensor) => [putBack(dy, indices, axis, x.shape)];
  return differentiable(y, [x], back, back);
}

/** For each element, the sum over the places that selected it. */
function putBack(dy: Tensor, indices: Tensor, axis: number, shape: Shape): Tensor {
  const dx = Tensor.temporary(dy.device, shape, 'gather.dx', dy.dtype);
  const kernel = dy.device.kernel('gather.backward', source, 'backward');
  dispatchElements(kernel, { index: indices, dy, dx }, { n: dx.size, ...paramsOf(shape, indices, axis) });
  const back = (ddx: Tensor) => [picked(ddx, indices, axis)];
  return differentiable(dx, [dy], back, back);
}

/**
 * One-hot vectors: indices (…), u32 → (…, classes), 1 at the index and 0 elsewhere, as floats. An index beyond the last
 * class gives only zeros. As `torch.nn.functional.one_hot`. No gradient.
 * @throws PixtapeError if the indices are not u32, or `classes` is not a whole number of at least 1
 */
export function oneHot(indices: Tensor, classes: number): Tensor {
  checkArguments('oneHot', { indices: aTensor, classes: aWholeNumber(1) }, { indices, classes });
  checkIndices('oneHot', indices);
  const y = Tensor.temporary(indices.device, [...indices.shape, classes], 'one_hot');
  dispatchElements(indices.device.kernel('one_hot', oneHotSource), { index: indices, y }, { n: y.size, classes });
  return y;
}
