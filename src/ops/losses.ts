import source from '../../shaders/losses.wgsl';
import { differentiable } from '../tape/autograd.ts';
import { dispatch, dispatchFlat, foldGroups } from '../tape/dispatch.ts';
import { Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';
import { checkSameShape } from './check.ts';
import { REDUCE_BLOCK, reduceSum } from './sum.ts';

type Inputs = { a: Tensor; b?: Tensor };

/**
 * Binary cross-entropy of sigmoid(x) against a target in [0, 1], mean over all elements, shape [1]. Worked out from
 * the logits, so that it stays exact and finite where the sigmoid would round to 0 or 1.
 *
 * @param x logits, any shape
 * @param target one number for all elements, or a tensor of x's shape; no gradient flows into it
 * @throws PixtapeError if the shapes differ, the number is not in [0, 1], or the target asks for a gradient
 */
export function bceWithLogits(x: Tensor, target: number | Tensor): Tensor {
  if (typeof target === 'number') {
    if (!(target >= 0 && target <= 1))
      throw new PixtapeError(`bceWithLogits: the target is ${target}; it must be in [0, 1]`);
    const loss = meanOf('bce_constant', { a: x }, target);
    return differentiable(loss, [x], (dy) => [gradient('bce_constant', { a: x }, dy, 1, target)]);
  }
  checkSameShape('bceWithLogits', x, target);
  if (target.requiresGrad) {
    throw new PixtapeError(`bceWithLogits: the target ${target.label} asks for a gradient`, 'Pass target.detach().');
  }
  const loss = meanOf('bce', { a: x, b: target });
  return differentiable(loss, [x], (dy) => [gradient('bce', { a: x, b: target }, dy, 1)]);
}

/** Mean |a − b| over all elements, shape [1]; where a = b the gradient is 0. @throws PixtapeError if the shapes differ. */
export function l1Loss(a: Tensor, b: Tensor): Tensor {
  return distance('l1', a, b);
}

/**
 * Mean (a − b)² over all elements, shape [1].
 * @param b a tensor of a's shape, or one number for all elements
 * @throws PixtapeError if the shapes differ
 */
export function mseLoss(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b !== 'number') return distance('mse', a, b);
  return differentiable(meanOf('mse_constant', { a }, b), [a], (dy) => [gradient('mse_constant', { a }, dy, 1, b)]);
}

function distance(entry: 'l1' | 'mse', a: Tensor, b: Tensor): Tensor {
  checkSameShape(`${entry}Loss`, a, b);
  return differentiable(meanOf(entry, { a, b }), [a, b], (dy, [needsA, needsB]) => [
    needsA ? gradient(entry, { a, b }, dy, 1) : undefined,
    needsB ? gradient(entry, { a, b }, dy, -1) : undefined,
  ]);
}

/** Both stages of the mean: f and the sums of the blocks, then the sum of those over n. */
function meanOf(entry: string, inputs: Inputs, constant = 0): Tensor {
  const { device, size } = inputs.a;
  const blocks = Math.ceil(size / REDUCE_BLOCK);
  const y = Tensor.temporary(device, [blocks], `${entry}.sums`);
  const kernel = device.kernel(entry, source, entry);
  dispatch(kernel, { ...inputs, y }, { n: size, factor: 0, constant }, foldGroups(blocks));
  return reduceSum(entry, y, 1 / size);
}

function gradient(entry: string, inputs: Inputs, dy: Tensor, sign: 1 | -1, constant = 0): Tensor {
  const { a } = inputs;
  const dx = a.like(`${entry}.dx`);
  const kernel = a.device.kernel(`${entry}.backward`, source, `${entry}_backward`);
  dispatchFlat(kernel, { ...inputs, dy, dx }, { n: a.size, factor: sign / a.size, constant });
  return dx;
}
