import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, aWholeNumber, checkArguments } from '../arguments.ts';
import { nchw } from '../launch.ts';

const RULES = { x: aTensor, height: aWholeNumber(1), width: aWholeNumber(1) };

/** Source positions are fractions of 32-bit integers up to twice the product of both sides. */
const MOST = 2 ** 29;

/**
 * Checks a resize of x to height × width, and returns the sides of x.
 * @throws PixtapeError if a side is not a whole number of at least 1, or the product of old and new side exceeds 2^29
 */
export function checkResize(op: string, x: Tensor, height: number, width: number): [number, number, number, number] {
  checkArguments(op, RULES, { x, height, width });
  const sides = nchw(op, x.shape);
  if (sides[2] * height > MOST || sides[3] * width > MOST) {
    throw new PixtapeError(`${op}: [${x.shape}] to ${width} × ${height} is beyond its exact arithmetic`);
  }
  return sides;
}
