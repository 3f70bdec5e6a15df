import source from '../../../../shaders/loss/losses.wgsl';
import type { Kernel } from '../../gpu/shader/kernel.ts';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch, dispatchElements, split1d } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { checkSameShape } from '../check.ts';
import { sigmoid } from '../elementwise/activations.ts';
import { mul, neg, scale, sub } from '../elementwise/arithmetic.ts';
import { gt, lt } from '../elementwise/compare.ts';
import { REDUCE_BLOCK, sumAll } from '../reduce/sum_all.ts';

/** In the order of the shader's numbers. */
const KINDS = ['bce', 'l1', 'mse'] as const;
type Kind = (typeof KINDS)[number];
type Target = Tensor | number;

/**
 * Binary cross-entropy of sigmoid(x) against a target in [0, 1], mean over all elements, shape [1]. It is computed from
 * the logits, so that it stays exact and finite where the sigmoid would round to 0 or 1.
 *
 * @param x logits, any shape
 * @param target one number for all elements, or a tensor of x's shape; no gradient flows into it
 * @throws PixtapeError if the shapes differ, the number is not in [0, 1], or the target asks for a gradient
 */
export function bceWithLogits(x: Tensor, target: number | Tensor): Tensor {
  if (typeof target !== 'number') {
    checkSameShape('bceWithLogits', x, target);
    if (target.requiresGrad) {
      throw new PixtapeError(`bceWithLogits: the target ${target.label} asks for a gradient`, 'Pass target.detach().');
    }
  } else if (!(target >= 0 && target <= 1)) {
    throw new PixtapeError(`bceWithLogits: the target is ${target}; it must be in [0, 1]`);
  }
  return loss('bce', x, target);
}

/** Mean |a − b| over all elements, shape [1]; where a = b the gradient is 0. @throws PixtapeError if the shapes differ. */
export function l1Loss(a: Tensor, b: Tensor): Tensor {
  checkSameShape('l1Loss', a, b);
  return loss('l1', a, b);
}

/**
 * Mean (a − b)² over all elements, shape [1].
 * @param b a tensor of a's shape, or one number for all elements
 * @throws PixtapeError if the shapes differ
 */
export function mseLoss(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b !== 'number') checkSameShape('mseLoss', a, b);
  return loss('mse', a, b);
}

function loss(kind: Kind, a: Tensor, target: Target): Tensor {
  const inputs = typeof target === 'number' ? [a] : [a, target];
  return differentiable(
    meanOf(kind, a, target),
    inputs,
    (dy, [needsA, needsB]) => [
      needsA ? gradient(kind, a, target, dy, 1) : undefined,
      needsB ? gradient(kind, a, target, dy, -1) : undefined,
    ],
    (dy, [needsA, needsB]) => {
      const dx = mul(slope(kind, a, target), scale(dy, 1 / a.size));
      return [needsA ? dx : undefined, needsB ? neg(dx) : undefined];
    },
  );
}

/** The derivative of one element's loss, on the tape. */
function slope(kind: Kind, a: Tensor, target: Target): Tensor {
  if (kind === 'bce') return sub(sigmoid(a), target);
  const difference = sub(a, target);
  return kind === 'mse' ? scale(difference, 2) : sub(gt(difference, 0), lt(difference, 0));
}

/** Both stages of the mean: f and the sums of blocks, then their sum over n. */
function meanOf(kind: Kind, a: Tensor, target: Target): Tensor {
  const { device, size } = a;
  const blocks = Math.ceil(size / REDUCE_BLOCK);
  const y = Tensor.temporary(device, [blocks], `${kind}.sums`);
  const { bindings, constant } = bound(a, target);
  dispatch(kernelOf(kind, a, target, 'forward'), { ...bindings, y }, { n: size, factor: 0, constant }, split1d(blocks));
  return sumAll(kind, y, 1 / size);
}

function gradient(kind: Kind, a: Tensor, target: Target, dy: Tensor, sign: 1 | -1): Tensor {
  const dx = a.like(`${kind}.dx`);
  const { bindings, constant } = bound(a, target);
  const kernel = kernelOf(kind, a, target, 'backward');
  dispatchElements(kernel, { ...bindings, dy, dx }, { n: a.size, factor: sign / a.size, constant });
  return dx;
}

function kernelOf(kind: Kind, { device }: Tensor, target: Target, entry: 'forward' | 'backward'): Kernel {
  const constants = { KIND: KINDS.indexOf(kind), ONE_TARGET: typeof target === 'number' };
  return device.kernel(`${kind}.${entry}`, source, entry, constants);
}

/** The shader names b in any case. It is not read if one number is the target of all elements. */
function bound(a: Tensor, target: Target) {
  return typeof target === 'number'
    ? { bindings: { a, b: a }, constant: target }
    : { bindings: { a, b: target }, constant: 0 };
}
