import { add, div, minimum, mul, scale } from '../../ops/elementwise/arithmetic.ts';
import { sqrt } from '../../ops/elementwise/functions.ts';
import { sum } from '../../ops/reduce/reduce.ts';
import { noGrad } from '../../tape/autograd.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';

/** Keeps the division finite; PyTorch's value. */
const EPS = 1e-6;

/**
 * Records the clipping of gradients by their common norm. Call it between `backward` and the optimizer's step. If the
 * norm is above `most`, all gradients are scaled down together. As `torch.nn.utils.clip_grad_norm_`.
 * @param lossScale the scale of a loss that was scaled up for halves; see `Optimizer.lossScale`
 * @returns the norm before clipping, shape [1]
 * @throws PixtapeError if `most` is not above 0, or no parameter has a gradient
 */
export function clipGradNorm(params: readonly Tensor[], most: number, lossScale?: Tensor): Tensor {
  if (!(most > 0)) throw new PixtapeError(`clipGradNorm: the norm is ${most}; it must be above 0`);
  const learning = [...new Set(params)].flatMap((p) => (p.grad ? [[p, p.grad] as const] : []));
  const [first, ...rest] = learning.map(([, g]) => g);
  if (!first) {
    throw new PixtapeError('clipGradNorm: no parameter has a gradient', 'Record backward(loss) before it.', {
      code: 'misuse',
    });
  }
  return noGrad(() => {
    const squares = rest.reduce((total, g) => add(total, sum(mul(g, g))), sum(mul(first, first)));
    const scaled = sqrt(squares);
    const norm = lossScale ? div(scaled, lossScale) : scaled;
    const factor = minimum(div(most, add(norm, EPS)), 1);
    for (const [p, g] of learning) p.grad = mul(g, factor);
    return scale(norm, 1);
  });
}
