import { differentiable } from '../../tape/autograd.ts';
import { type Shape, sameShape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aList, aTensor, aWholeNumber, checkArguments } from '../arguments.ts';
import { type Axes, axesOf, axisOf } from '../axes.ts';

/**
 * Views: the same values in another shape. Nothing is copied; the result shares x's memory. Any dtype. Gradients of any
 * order.
 */

/** The same memory in another shape with equally many elements. */
export function viewOf(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const back = (dy: Tensor) => [viewOf(dy, x.shape)];
  return differentiable(new Tensor(x.device, shape, x.storage), [x], back, back);
}

/**
 * x in another shape, in the same order. As `torch.reshape`.
 * @param shape one side may be −1, and is then computed from the others
 * @throws PixtapeError if the numbers of elements differ
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkArguments('reshape', { x: aTensor, shape: aList(aWholeNumber(-1)) }, { x, shape });
  const rest = sizeOf(shape.filter((n) => n !== -1));
  const open = shape.filter((n) => n === -1).length;
  const found = shape.map((n) => (n === -1 ? x.size / rest : n));
  if (open <= 1 && sizeOf(found) === x.size && found.every((n) => Number.isInteger(n) && n >= 1))
    return viewOf(x, found);
  throw new PixtapeError(
    `reshape: ${x.label} [${x.shape}] has ${x.size} values, [${shape}] ${open > 1 ? 'leaves more than one side open' : 'does not have as many'}`,
    'At most one side may be −1, and the product of the others must divide the number of values.',
    { details: { shape: x.shape, wanted: shape } },
  );
}

/**
 * Merges the axes from `start` to `end`, both included; by default all. As `torch.flatten`.
 * @throws PixtapeError if an axis does not exist, or the end lies before the start
 */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  checkArguments('flatten', { x: aTensor }, { x });
  const [first, last] = [axisOf('flatten', x, start), axisOf('flatten', x, end)];
  if (first > last) throw new PixtapeError(`flatten: axis ${end} lies before axis ${start}`);
  const one = sizeOf(x.shape.slice(first, last + 1));
  return viewOf(x, [...x.shape.slice(0, first), one, ...x.shape.slice(last + 1)]);
}

/**
 * Removes the axes of length 1; with `axes`, only those of them that have it. As `torch.squeeze`. If no axis is left,
 * the shape is [1].
 * @throws PixtapeError if an axis does not exist
 */
export function squeeze(x: Tensor, axes?: Axes): Tensor {
  checkArguments('squeeze', { x: aTensor }, { x });
  const gone = axesOf('squeeze', x, axes);
  const shape = x.shape.filter((n, axis) => n !== 1 || !gone.includes(axis));
  return viewOf(x, shape.length > 0 ? shape : [1]);
}

/**
 * Inserts an axis of length 1, which becomes axis `axis` of the result. As `torch.unsqueeze`.
 * @throws PixtapeError if the result has no such axis
 */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  checkArguments('unsqueeze', { x: aTensor }, { x });
  const at = axisOf('unsqueeze', { label: 'the result', shape: [...x.shape, 1] }, axis);
  return viewOf(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}
