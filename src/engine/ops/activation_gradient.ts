import { isGoingBack } from '../tape/autograd.ts';
import type { Tensor } from '../tape/tensor.ts';

/**
 * Leaky ReLUs at the end of other operations, whose gradients another operation's backward pass can include. If the
 * result of such an operation has a single user, that user can bring its gradient before the leaky ReLU while writing
 * it, which saves a pass.
 */

const slopes = new WeakMap<Tensor, number>();
const brought = new WeakSet<Tensor>();

/** Notes that y is the result of a leaky ReLU of this slope, in the same pass as another operation. */
export function endsInLeakyRelu(y: Tensor, slope: number | undefined): void {
  if (slope !== undefined) slopes.set(y, slope);
}

/**
 * The slope of the leaky ReLU before which the user of x may bring its gradient, see `bringBefore`; undefined if none.
 */
export function slopeBehind(x: Tensor): number | undefined {
  return x.users === 1 && isGoingBack() ? slopes.get(x) : undefined;
}

/** Marks a gradient as already brought before the leaky ReLU. */
export function bringBefore(dx: Tensor): Tensor {
  brought.add(dx);
  return dx;
}

export function isBroughtBefore(dy: Tensor): boolean {
  return brought.has(dy);
}
