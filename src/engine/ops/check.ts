import { sameShape, type Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';

/** @throws PixtapeError that names the operation and both shapes, if they differ. */
export function checkSameShape(op: string, a: Tensor, b: Tensor): void {
  if (sameShape(a.shape, b.shape)) return;
  throw new PixtapeError(
    `${op}: ${a.label} is [${a.shape}], ${b.label} is [${b.shape}]; both must have the same shape`,
    'Reshape, crop or concatenate first.',
  );
}
