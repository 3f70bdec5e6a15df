import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';

/** @throws PixtapeError that names the operation, if a tensor of indices does not hold u32 */
export function checkIndices(operation: string, indices: Tensor): void {
  if (indices.dtype === 'u32') return;
  throw new PixtapeError(
    `${operation}: the indices ${indices.label} are ${indices.dtype}; expected u32`,
    "Make them with Tensor.from(device, shape, Uint32Array.of(…)), or cast(indices, 'u32').",
    { details: { operation, dtype: indices.dtype } },
  );
}
