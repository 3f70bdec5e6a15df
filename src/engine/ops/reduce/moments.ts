import subSource from '../../../../shaders/elementwise/arithmetic/sub.wgsl';
import squaresFold from '../../../../shaders/reduce/fold/sum_of_squares.wgsl';
import varianceSource from '../../../../shaders/reduce/variance.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { computeElementwise } from '../../tape/elementwise.ts';
import { parseElementwise } from '../../tape/elementwise_text.ts';
import { type Backward, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aNumber, checkArguments } from '../arguments.ts';
import { type Axes, axesOf } from '../axes.ts';
import { div, mul, pow, scale, sub } from '../elementwise/arithmetic.ts';
import { eq, where } from '../elementwise/compare.ts';
import { abs, sqrt } from '../elementwise/functions.ts';
import { inFloat32 } from '../elementwise/in_float32.ts';
import { viewOf } from '../shape/reshape.ts';
import { amax } from './extremes.ts';
import { mean, type ReduceOptions, reductionOf, sum } from './reduce.ts';
import { type Fold, reduceAxes, SUM } from './reduce_axes.ts';

const SUB = /* @__PURE__ */ parseElementwise('sub', subSource);
const VARIANCE = /* @__PURE__ */ parseElementwise('variance', varianceSource);
const SQUARES: Fold = { name: 'sum_of_squares', text: squaresFold, next: SUM };

export interface VarianceOptions extends ReduceOptions {
  /**
   * The sum of squares is divided by the number of values minus this: 1, the default, for an unbiased estimate, 0 for
   * the mean of the squares.
   */
  correction?: number;
}

/**
 * Variance over some axes, by default over all: then the shape is [1]. As `torch.var`. It is computed from the
 * deviations from the mean, so that a large mean costs no digits. Gradients of any order.
 * @throws PixtapeError if there is no such axis, or no more values than the correction
 */
export function variance(x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor {
  const { correction = 1, ...others } = options;
  checkArguments('variance', { correction: aNumber({ least: 0, finite: true }) }, { correction });
  const { axes: found, kept, result } = reductionOf('variance', x, axes, others);
  const count = sizeOf(found.map((axis) => x.shape[axis] as number));
  if (count <= correction) {
    throw new PixtapeError(
      `variance: ${x.label} [${x.shape}] has ${count} values per result, which must be more than the correction of ${correction}`,
      'With correction 0 the variance of one value is 0.',
    );
  }
  const factor = 1 / (count - correction);
  const { device } = x;
  const centre = reduceAxes(SUM, x, found, { label: 'variance.mean', factor: 1 / count });
  const deviations = { shape: x.shape, label: 'variance.deviations', dtype: 'f32' as const };
  const d = computeElementwise(device, SUB, 'f', { a: x, b: centre }, deviations);
  const squares = reduceAxes(SQUARES, d, found, { label: 'variance.squares' });
  const rest = reduceAxes(SUM, d, found, { label: 'variance.rest', factor: 1 / count });
  const y = computeElementwise(
    device,
    VARIANCE,
    'f',
    { squares, rest, count, factor },
    { shape: kept, label: 'variance' },
  );
  const backward: Backward = (dy) => {
    const g = scale(new Tensor(device, kept, dy.storage), 2 * factor);
    const dx = { shape: x.shape, label: 'variance.dx', dtype: x.dtype };
    return [computeElementwise(device, VARIANCE, 'back', { x, mean: centre, rest, g }, dx)];
  };
  const graphBackward: Backward = (dy) => {
    return [mul(sub(x, mean(x, found, { keepDims: true })), scale(viewOf(dy, kept), 2 * factor))];
  };
  return differentiable(new Tensor(x.device, result, y.storage), [x], backward, graphBackward);
}

/** Standard deviation over some axes: the square root of `variance`. */
export function std(x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor {
  return sqrt(variance(x, axes, options));
}

/**
 * The p-norm over some axes, by default over all: then the shape is [1]. p = 2 gives the root of the sum of squares, 1
 * the sum of absolute values, ∞ the largest absolute value. As `torch.linalg.vector_norm`; the gradient of a 2-norm of
 * 0 is 0. Twice differentiable.
 * @throws PixtapeError unless p is above 0, or if there is no such axis
 */
export function norm(x: Tensor, p = 2, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkArguments('norm', { p: aNumber({ least: Number.MIN_VALUE }) }, { p });
  const { axes: found, kept, result } = reductionOf('norm', x, axes, options);
  if (p === 1) return sum(abs(x), axes, options);
  if (p === Infinity) return amax(abs(x), axes, options);
  if (p !== 2) return pow(sum(pow(abs(inFloat32(x)), p), axesOf('norm', x, axes), options), 1 / p);
  const squares = reduceAxes(SQUARES, x, found, { label: 'norm.squares' });
  const y = differentiable(new Tensor(x.device, result, sqrt(squares.detach()).storage), [x], back, back);
  return y;

  function back(dy: Tensor): Tensor[] {
    const root = viewOf(y, kept);
    const nothing = eq(root, 0);
    const share = div(viewOf(dy, kept), where(nothing, 1, root));
    return [mul(x, where(nothing, 0, share))];
  }
}
