import type { Tensor } from '../../tape/tensor.ts';
import { aNumber, aTensor, checkArguments, oneOf } from '../arguments.ts';
import { checkSameShape } from '../check.ts';
import { relu } from '../elementwise/activations.ts';
import { add, mul, scale, sub } from '../elementwise/arithmetic.ts';
import { gt, lt, where } from '../elementwise/compare.ts';
import { abs, exp, log } from '../elementwise/functions.ts';
import { inFloat32 } from '../elementwise/in_float32.ts';
import { mean, sum } from '../reduce/reduce.ts';

/**
 * Losses composed of other operations, and so twice differentiable. They compute in float32 even if activations are
 * halves. Each has shape [1].
 */

/**
 * Mean of 0.5 · d² / beta where |d| < beta, of |d| − 0.5 · beta elsewhere; d = a − b. As `torch.nn.functional.smooth_l1_loss`.
 * Source: Girshick 2015, "Fast R-CNN".
 * @throws PixtapeError if the shapes differ, or beta is not above 0
 */
export function smoothL1Loss(a: Tensor, b: Tensor, beta = 1): Tensor {
  checkArguments('smoothL1Loss', { beta: aNumber({ least: Number.MIN_VALUE, finite: true }) }, { beta });
  checkSameShape('smoothL1Loss', a, b);
  const d = abs(sub(inFloat32(a), inFloat32(b)));
  return mean(where(lt(d, beta), scale(mul(d, d), 0.5 / beta), sub(d, 0.5 * beta)));
}

/** The factor of a discriminator's output with which a larger product is better. */
const sign = { real: 1, fake: -1 } as const;

/**
 * Wasserstein loss of a critic's output: −mean(x) for real, mean(x) for fake.
 * Source: Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN".
 */
export function wassersteinLoss(x: Tensor, target: 'real' | 'fake'): Tensor {
  checkArguments('wassersteinLoss', { x: aTensor, target: oneOf('real', 'fake') }, { x, target });
  return scale(mean(x), -sign[target]);
}

/**
 * Hinge loss of a discriminator's output: mean(max(0, 1 − x)) for real, mean(max(0, 1 + x)) for fake. The generator's
 * loss is `wassersteinLoss(x, 'real')`.
 * Source: Lim & Ye 2017, "Geometric GAN".
 */
export function hingeLoss(x: Tensor, target: 'real' | 'fake'): Tensor {
  checkArguments('hingeLoss', { x: aTensor, target: oneOf('real', 'fake') }, { x, target });
  return mean(relu(add(scale(inFloat32(x), -sign[target]), 1)));
}

/**
 * Kullback–Leibler divergence of `target` from exp(`input`), summed over all elements and divided by the batch size. As
 * `torch.nn.functional.kl_div` with `reduction='batchmean'`.
 * @param input log-probabilities, (N, …)
 * @param target probabilities, of the same shape; where one is 0 it adds nothing
 * @throws PixtapeError if the shapes differ
 */
export function klDivLoss(input: Tensor, target: Tensor): Tensor {
  checkSameShape('klDivLoss', input, target);
  const t = inFloat32(target);
  const each = where(gt(t, 0), mul(t, sub(log(t), inFloat32(input))), 0);
  return scale(sum(each), 1 / (input.shape[0] ?? 1));
}

/**
 * Divergence of N(mean, e^logVariance) from N(0, 1), summed over all elements and divided by the batch size: the term
 * that a variational auto-encoder adds to its loss.
 * Source: Kingma & Welling 2014, "Auto-Encoding Variational Bayes", appendix B.
 * @throws PixtapeError if the shapes differ
 */
export function normalDivergence(means: Tensor, logVariance: Tensor): Tensor {
  checkSameShape('normalDivergence', means, logVariance);
  const [m, v] = [inFloat32(means), inFloat32(logVariance)];
  const each = sub(add(mul(m, m), exp(v)), add(v, 1));
  return scale(sum(each), 0.5 / (means.shape[0] ?? 1));
}
