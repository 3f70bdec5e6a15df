import { isGoingBack } from '../tape/autograd.ts';
import type { Tensor } from '../tape/tensor.ts';

/**
 * Leaky ReLUs that another operation ends in, and their gradients, which another operation begins with. Where a tensor that
 * came out of one has a single user, that user can bring the gradient before it while it writes it, so that nobody needs a
 * pass of his own for that.
 */

const slopes = new WeakMap<Tensor, number>();
const brought = new WeakSet<Tensor>();

/** Notes that y came out of a leaky ReLU of this slope, in the same pass as out of something else. */
export function endsInLeakyRelu(y: Tensor, slope: number | undefined): void {
  if (slope !== undefined) slopes.set(y, slope);
}

/** The slope of the leaky ReLU before which the user of x may bring its gradient, see `bringBefore`; undefined if none. */
export function slopeBehind(x: Tensor): number | undefined {
  return x.users === 1 && isGoingBack() ? slopes.get(x) : undefined;
}

/** Says of a gradient that it is already that before the leaky ReLU. */
export function bringBefore(dx: Tensor): Tensor {
  brought.add(dx);
  return dx;
}

export function isBroughtBefore(dy: Tensor): boolean {
  return brought.has(dy);
}
