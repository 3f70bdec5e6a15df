import { differentiable } from '../../tape/autograd.ts';
import { repeated } from '../../tape/elementwise.ts';
import { type Shape, sameShape, Tensor } from '../../tape/tensor.ts';
import { reduceAxes, SUM } from '../reduce/reduce_axes.ts';
import { reduceSum } from '../reduce/reduce_sum.ts';

/** x repeated along the axes in which it is shorter than `shape`, to which it is broadcast. */
export function expandTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const graph = (dy: Tensor) => [sumTo(dy, x.shape)];
  return differentiable(repeated(x, shape), [x], graph, graph);
}

/** The way back: x summed up along the axes in which `shape` is shorter. What gradients of what was broadcast need. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const graph = (dy: Tensor) => [expandTo(dy, x.shape)];
  return differentiable(summed(x, shape), [x], graph, graph);
}

function summed(x: Tensor, shape: Shape): Tensor {
  const missing = x.shape.length - shape.length;
  const axes = x.shape.flatMap((n, axis) => (n !== (shape[axis - missing] ?? 1) ? [axis] : []));
  if (axes.length === 0) return new Tensor(x.device, shape, x.storage);
  const whole = axes.length === x.shape.filter((n) => n !== 1).length;
  const sum = whole ? reduceSum('sum', x, 1) : reduceAxes(SUM, x, axes, { label: 'sum', dtype: x.dtype });
  return new Tensor(x.device, shape, sum.storage);
}
