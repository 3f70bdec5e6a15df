import source from '../../../../shaders/loss/softmax_cross_entropy.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { sameShape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, checkArguments } from '../arguments.ts';
import { checkSameShape } from '../check.ts';
import { mul, scale, sub } from '../elementwise/arithmetic.ts';
import { oneHot } from '../lookup/gather.ts';
import { softmax } from '../reduce/softmax.ts';
import { sumAll } from '../reduce/sum_all.ts';
import { permute } from '../shape/permute.ts';

/**
 * Cross-entropy of softmax(x) over axis 1 against a target, mean over all other axes, shape [1]: per sample for (N,
 * classes), per pixel for (N, classes, H, W). As `torch.nn.functional.cross_entropy`.
 *
 * @param x logits, (N, classes, …)
 * @param target class indices as a u32 tensor (N, …), where an invalid index makes the loss NaN; or probabilities of
 *   x's shape, which sum to one over axis 1. No gradient flows into it
 * @throws PixtapeError if the shapes do not fit, x has no axis 1, or the target asks for a gradient
 */
export function crossEntropy(x: Tensor, target: Tensor): Tensor {
  checkArguments('crossEntropy', { x: aTensor, target: aTensor }, { x, target });
  const [batch = 1, classes, ...rest] = x.shape;
  if (classes === undefined) {
    throw new PixtapeError(`crossEntropy: the logits are [${x.shape}]; expected (N, classes, …)`);
  }
  if (target.requiresGrad) {
    throw new PixtapeError(`crossEntropy: the target ${target.label} asks for a gradient`, 'Pass target.detach().');
  }
  const labelled = target.dtype === 'u32';
  if (!labelled) checkSameShape('crossEntropy', x, target);
  else if (!sameShape(target.shape, [batch, ...rest])) {
    throw new PixtapeError(
      `crossEntropy: the labels are [${target.shape}]; logits of [${x.shape}] take [${[batch, ...rest]}]`,
    );
  }
  const plane = sizeOf(rest);
  const n = batch * plane;
  const params = { n, classes, plane, factor: 1 / n };
  const y = Tensor.temporary(x.device, [batch, plane], 'cross_entropy.places');
  const right: Record<string, Tensor> = labelled ? { labels: target } : { t: target };
  const [forward, backward] = labelled ? ['labelled', 'labelled_backward'] : ['forward', 'backward'];
  dispatchElements(x.device.kernel('cross_entropy', source, forward), { x, ...right, y }, params);
  return differentiable(
    sumAll('cross_entropy', y, 1 / n),
    [x],
    (dy) => {
      const dx = x.like('cross_entropy.dx');
      dispatchElements(x.device.kernel('cross_entropy.backward', source, backward), { x, ...right, dy, dx }, params);
      return [dx];
    },
    (dy) => {
      const wanted = labelled ? classesSecond(oneHot(target, classes)) : target;
      return [mul(sub(softmax(x, 1), wanted), scale(dy, 1 / n))];
    },
  );
}

/** (N, …, classes) → (N, classes, …). */
function classesSecond(x: Tensor): Tensor {
  const last = x.shape.length - 1;
  return permute(x, [0, last, ...Array.from({ length: last - 1 }, (_, i) => i + 1)]);
}
