import exponential from '../../../../shaders/elementwise/shared/exponential.wgsl';
import isNan from '../../../../shaders/elementwise/shared/is_nan.wgsl';
import logSoftmaxSource from '../../../../shaders/softmax/log_softmax.wgsl';
import softmaxSource from '../../../../shaders/softmax/softmax.wgsl';
import statisticsSource from '../../../../shaders/softmax/statistics.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { computeElementwise } from '../../tape/elementwise.ts';
import { type ElementOperation, parseElementwise } from '../../tape/elementwise_text.ts';
import { type Backward, type Shape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { aTensor, checkArguments } from '../arguments.ts';
import { axisOf } from '../axes.ts';
import { mul, sub } from '../elementwise/arithmetic.ts';
import { exp } from '../elementwise/functions.ts';
import { type Around, cut } from './cut.ts';
import { sum } from './reduce.ts';

const statistics = `${statisticsSource}\n${exponential}\n${isNan}`;
const SOFTMAX = /* @__PURE__ */ parseElementwise('softmax', `${softmaxSource}\n${exponential}\n${isNan}`);
const LOG_SOFTMAX = /* @__PURE__ */ parseElementwise('logSoftmax', `${logSoftmaxSource}\n${exponential}\n${isNan}`);

/**
 * Softmax along an axis: e^x over the sum of all e^x along it. −∞ gives 0, so a mask may be added. As `torch.softmax`.
 * Gradients of any order.
 * @throws PixtapeError if there is no such axis
 */
export function softmax(x: Tensor, axis: number): Tensor {
  checkArguments('softmax', { x: aTensor }, { x });
  const at = axisOf('softmax', x, axis);
  const y = normalised(SOFTMAX, x, at);
  const backward: Backward = (dy) => {
    const total = sum(mul(dy, y.detach()), at, { keepDims: true });
    return [gradient(SOFTMAX, y, dy, total)];
  };
  const graphBackward: Backward = (dy) => [mul(y, sub(dy, sum(mul(dy, y), at, { keepDims: true })))];
  return differentiable(y, [x], backward, graphBackward);
}

/** The logarithm of `softmax`, exact where that would round to 0 or 1. As `torch.log_softmax`. */
export function logSoftmax(x: Tensor, axis: number): Tensor {
  checkArguments('logSoftmax', { x: aTensor }, { x });
  const at = axisOf('logSoftmax', x, axis);
  const y = normalised(LOG_SOFTMAX, x, at);
  const backward: Backward = (dy) => [gradient(LOG_SOFTMAX, y, dy, sum(dy, at, { keepDims: true }))];
  const graphBackward: Backward = (dy) => [sub(dy, mul(exp(y), sum(dy, at, { keepDims: true })))];
  return differentiable(y, [x], backward, graphBackward);
}

function gradient(operation: ElementOperation, y: Tensor, dy: Tensor, total: Tensor): Tensor {
  const into = { shape: y.shape, label: `${operation.name}.dx`, dtype: y.dtype };
  return computeElementwise(y.device, operation, 'back', { y, dy, sum: total }, into);
}

function normalised(operation: ElementOperation, x: Tensor, axis: number): Tensor {
  const { most, total } = statisticsOf(x, axis);
  const into = { shape: x.shape, label: operation.name, dtype: x.dtype };
  return computeElementwise(x.device, operation, 'f', { x, most, total }, into);
}

/** The largest value of each row along an axis, and the sum of exp(x − largest). Nothing on the tape. */
function statisticsOf(x: Tensor, axis: number): { most: Tensor; total: Tensor } {
  const around = {
    outer: sizeOf(x.shape.slice(0, axis)),
    length: x.shape[axis] as number,
    inner: sizeOf(x.shape.slice(axis + 1)),
  };
  return gathered({ x }, around, x.shape.with(axis, 1));
}

/** Computes them from x itself, or merges the results of an axis's parts. */
function gathered(
  from: { x: Tensor } | { pairs: Tensor },
  { outer, length, inner }: Around,
  shape: Shape,
): { most: Tensor; total: Tensor } {
  const { device } = 'x' in from ? from.x : from.pairs;
  // Pairs are merged by `columns`: `rows` would leave just as many.
  const { entry, slice, parts, left } = cut(device, { outer, length, inner: 'x' in from ? inner : Math.max(inner, 2) });
  const n = outer * parts * inner;
  const pass = (name: string, into: Record<string, Tensor>) => {
    const kernel = device.kernel(`softmax.${name}`, statistics, name);
    const params = { n, length, inner, slice, parts };
    dispatchElements(kernel, { ...from, ...into }, params, name === 'rows' ? n * device.lanes : n);
  };
  if (left === 1) {
    const most = Tensor.temporary(device, shape, 'softmax.most');
    const total = Tensor.temporary(device, shape, 'softmax.total');
    pass('x' in from ? 'direct' : 'finish', { most, total });
    return { most, total };
  }
  const partials = Tensor.temporary(device, [outer, left, inner, 2], 'softmax.parts');
  pass('x' in from ? entry : 'again', { partials });
  return gathered({ pairs: partials }, { outer, length: left, inner }, shape);
}
