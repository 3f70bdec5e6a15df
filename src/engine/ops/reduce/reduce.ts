import { differentiable } from '../../tape/autograd.ts';
import { COPY, computeElementwise } from '../../tape/elementwise.ts';
import { SCALE } from '../../tape/primitives.ts';
import { type Shape, Tensor } from '../../tape/tensor.ts';
import { aBoolean, aTensor, checkArguments, checkOptions, optional } from '../arguments.ts';
import { type Axes, axesOf } from '../axes.ts';
import { scale } from '../elementwise/arithmetic.ts';
import { expandTo } from '../shape/expand.ts';
import { viewOf } from '../shape/reshape.ts';
import { isWhole, reduceAxes, SUM, withoutAxes } from './reduce_axes.ts';
import { sumAll } from './sum_all.ts';

export interface ReduceOptions {
  /**
   * Keeps the axes in the shape with length 1, so that the result broadcasts against x; by default they are dropped.
   */
  keepDims?: boolean;
}

/** A reduction of x over axes. */
export interface Reduction {
  axes: number[];
  /** x's shape with these axes 1 long, and the shape of the result. */
  kept: Shape;
  result: Shape;
}

/**
 * @throws PixtapeError that names the operation, if x is not a tensor, an axis does not exist, or an option is unknown
 */
export function reductionOf(operation: string, x: Tensor, axes: Axes | undefined, options: ReduceOptions): Reduction {
  checkArguments(operation, { x: aTensor }, { x });
  checkOptions(operation, { keepDims: optional(aBoolean) }, options);
  const found = axesOf(operation, x, axes);
  const kept = x.shape.map((n, axis) => (found.includes(axis) ? 1 : n));
  return { axes: found, kept, result: options.keepDims ? kept : withoutAxes(x.shape, found) };
}

/**
 * Sum over some axes, by default over all: then the shape is [1]. In a fixed order; the rounding error grows like the
 * logarithm of the number of values. Gradients of any order.
 * @throws PixtapeError if there is no such axis
 */
export function sum(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const reduction = reductionOf('sum', x, axes, options);
  return summed('sum', x, reduction, 1);
}

/** Mean over some axes, by default over all; otherwise as `sum`. */
export function mean(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const reduction = reductionOf('mean', x, axes, options);
  const count = reduction.axes.reduce((n, axis) => n * (x.shape[axis] as number), 1);
  return summed('mean', x, reduction, 1 / count);
}

function summed(label: string, x: Tensor, { axes, kept, result }: Reduction, factor: number): Tensor {
  const sum = isWhole(x, axes) ? sumAll(label, x, factor) : reduceAxes(SUM, x, axes, { label, factor });
  const back = (dy: Tensor) => {
    const spread = new Tensor(dy.device, kept, dy.storage);
    const into = { shape: x.shape, label: `${label}.dx`, dtype: x.dtype };
    if (factor === 1) return [computeElementwise(x.device, COPY, 'f', { x: spread }, into)];
    return [computeElementwise(x.device, SCALE, 'f', { x: spread, factor }, into)];
  };
  const graphBack = (dy: Tensor) => {
    const spread = viewOf(dy, kept);
    return [expandTo(factor === 1 ? spread : scale(spread, factor), x.shape)];
  };
  return differentiable(new Tensor(x.device, result, sum.storage), [x], back, graphBack);
}
