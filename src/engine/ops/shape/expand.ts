import { differentiable } from '../../tape/autograd.ts';
import { repeated } from '../../tape/elementwise.ts';
import { type Shape, sameShape, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aList, aTensor, aWholeNumber, checkArguments } from '../arguments.ts';
import { isWhole, reduceAxes, SUM } from '../reduce/reduce_axes.ts';
import { sumAll } from '../reduce/sum_all.ts';
import { viewOf } from './reshape.ts';

/**
 * Repeats x along axes of length 1, and along new leading axes. As `torch.expand`, but copies. Operations broadcast by
 * themselves, so tensors of different shapes can be combined without it. Any dtype. Gradients of any order.
 * @param shape −1 keeps the length of an axis
 * @throws PixtapeError if another axis would change its length
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkArguments('expand', { x: aTensor, shape: aList(aWholeNumber(-1)) }, { x, shape });
  const missing = shape.length - x.shape.length;
  const found = shape.map((n, axis) => (n === -1 ? (x.shape[axis - missing] ?? -1) : n));
  if (missing < 0 || found.some((n, axis) => n < 1 || ![1, n].includes(x.shape[axis - missing] ?? 1))) {
    throw new PixtapeError(
      `expand: ${x.label} [${x.shape}] cannot be repeated to [${shape}]`,
      'Counted from the last, each axis must be as long already, or 1.',
    );
  }
  return expandTo(x, found);
}

/** Repeats x along the axes in which it is shorter than `shape`, to which it is broadcast. */
export function expandTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const back = (dy: Tensor) => [sumTo(dy, x.shape)];
  return differentiable(repeated(x, shape), [x], back, back);
}

/**
 * The transpose of `expandTo`: sums x along the axes in which `shape` is shorter. Gradients of broadcast operands use
 * it.
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const missing = x.shape.length - shape.length;
  const axes = x.shape.flatMap((n, axis) => (n !== (shape[axis - missing] ?? 1) ? [axis] : []));
  if (axes.length === 0) return viewOf(x, shape);
  const sum = isWhole(x, axes) ? sumAll('sum', x, 1) : reduceAxes(SUM, x, axes, { label: 'sum', dtype: x.dtype });
  const back = (dy: Tensor) => [expandTo(dy, x.shape)];
  return differentiable(new Tensor(x.device, shape, sum.storage), [x], back, back);
}
