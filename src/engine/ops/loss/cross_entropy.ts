import source from '../../../../shaders/loss/softmax_cross_entropy.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { checkSameShape } from '../check.ts';
import { reduceSum } from '../reduce/reduce_sum.ts';

/**
 * Cross-entropy of softmax(x) over the second side against a target, mean over all else, shape [1]; as
 * `torch.nn.functional.cross_entropy` computes it for a target of probabilities.
 *
 * @param x logits, (N, classes, …)
 * @param target of the same shape; each place's probabilities sum to one (one-hot vectors, say). No gradient flows into it.
 * @throws PixtapeError if the shapes differ, there is no second side, or the target asks for a gradient
 */
export function crossEntropy(x: Tensor, target: Tensor): Tensor {
  checkSameShape('crossEntropy', x, target);
  const [batch = 1, classes, ...rest] = x.shape;
  if (classes === undefined)
    throw new PixtapeError(`crossEntropy: the logits are [${x.shape}]; (N, classes, …) is wanted`);
  if (target.requiresGrad) {
    throw new PixtapeError(`crossEntropy: the target ${target.label} asks for a gradient`, 'Pass target.detach().');
  }
  const plane = sizeOf(rest);
  const n = batch * plane;
  const params = { n, classes, plane, factor: 1 / n };
  const y = Tensor.temporary(x.device, [batch, plane], 'cross_entropy.places');
  dispatchElements(x.device.kernel('cross_entropy', source, 'forward'), { x, t: target, y }, params);
  return differentiable(reduceSum('cross_entropy', y, 1 / n), [x], (dy) => {
    const dx = x.like('cross_entropy.dx');
    dispatchElements(x.device.kernel('cross_entropy.backward', source, 'backward'), { x, t: target, dy, dx }, params);
    return [dx];
  });
}
