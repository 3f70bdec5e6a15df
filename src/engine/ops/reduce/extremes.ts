import isNan from '../../../../shaders/elementwise/shared/is_nan.wgsl';
import argmaxSource from '../../../../shaders/reduce/argmax.wgsl';
import maxFold from '../../../../shaders/reduce/fold/max.wgsl';
import minFold from '../../../../shaders/reduce/fold/min.wgsl';
import { differentiable, noGrad } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { sizeOf, Tensor } from '../../tape/tensor.ts';
import type { Axes } from '../axes.ts';
import { div } from '../elementwise/arithmetic.ts';
import { eq, where } from '../elementwise/compare.ts';
import { viewOf } from '../shape/reshape.ts';
import { type Around, cut } from './cut.ts';
import { type ReduceOptions, reductionOf, sum } from './reduce.ts';
import { type Fold, reduceAxes } from './reduce_axes.ts';

const source = `${argmaxSource}\n${isNan}`;
export const MAX: Fold = { name: 'max', text: `${maxFold}\n${isNan}` };
const MIN: Fold = { name: 'min', text: `${minFold}\n${isNan}` };

/**
 * The largest value over some axes, by default over all: then the shape is [1]. NaN if there is one. Equal values share
 * the gradient, as in `torch.amax`. Twice differentiable.
 * @throws PixtapeError if there is no such axis
 */
export function amax(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return extreme('amax', MAX, x, axes, options);
}

/** The smallest value over some axes; otherwise as `amax`. */
export function amin(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return extreme('amin', MIN, x, axes, options);
}

function extreme(name: string, fold: Fold, x: Tensor, axes: Axes | undefined, options: ReduceOptions): Tensor {
  const { axes: found, kept, result } = reductionOf(name, x, axes, options);
  const most = reduceAxes(fold, x, found, { label: name });
  const back = (dy: Tensor) => {
    const [chosen, count] = noGrad(() => {
      const here = eq(x, most);
      return [here, sum(here, found, { keepDims: true })] as const;
    });
    return [where(chosen, div(viewOf(dy, kept), count), 0)];
  };
  return differentiable(new Tensor(x.device, result, most.storage), [x], back, back);
}

/**
 * The index of the largest value along an axis, u32; by default in x as a whole, flattened: then the shape is [1].
 * Takes the first of equals; NaN counts as the largest. No gradient.
 * @throws PixtapeError if there is no such axis
 */
export function argmax(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor {
  return argument('argmax', false, x, axis, options);
}

/** The index of the smallest value along an axis; otherwise as `argmax`. */
export function argmin(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor {
  return argument('argmin', true, x, axis, options);
}

function argument(name: string, least: boolean, x: Tensor, axis: number | undefined, options: ReduceOptions): Tensor {
  const { axes, result } = reductionOf(name, x, axis, options);
  const around = {
    outer: axis === undefined ? 1 : sizeOf(x.shape.slice(0, axes[0])),
    length: sizeOf(axes.map((k) => x.shape[k] as number)),
    inner: axis === undefined ? 1 : sizeOf(x.shape.slice((axes[0] as number) + 1)),
  };
  return new Tensor(x.device, result, searched(name, least, x, undefined, around).storage);
}

function searched(name: string, least: boolean, x: Tensor, places: Tensor | undefined, around: Around): Tensor {
  const { outer, length, inner } = around;
  // With `rows` each lane would keep its own value and index. Parts in columns serve as well.
  const { slice, parts } = cut(x.device, { outer, length, inner: Math.max(inner, 2) });
  const best = Tensor.temporary(x.device, [outer, parts, inner], `${name}.values`);
  const place = Tensor.temporary(x.device, [outer, parts, inner], name, 'u32');
  const entry = places ? 'again' : 'first';
  const kernel = x.device.kernel(`${name}.${entry}`, source, entry, { LEAST: least });
  const bindings = { x, best, place, ...(places ? { places } : {}) };
  dispatchElements(kernel, bindings, { n: outer * parts * inner, length, inner, slice, parts });
  return parts === 1 ? place : searched(name, least, best, place, { outer, length: parts, inner });
}
