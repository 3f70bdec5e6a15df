import source from '../../shaders/conv_parts.wgsl';
import type { StorageSlice } from '../gpu/storage.ts';
import { dispatchFlat } from '../tape/dispatch.ts';
import { Tensor } from '../tape/tensor.ts';

/** Room for the parts of a weight gradient whose long sum is split: one split is the result itself, or its slice. */
export function partsOf(dw: Tensor, slice: Tensor | StorageSlice, splits: number): Tensor | StorageSlice {
  return splits === 1 ? slice : Tensor.temporary(dw.device, [splits, ...dw.shape], 'weight.parts');
}

/** Adds the parts up into dw, in a fixed order; nothing is left to do for one. */
export function addParts(parts: Tensor | StorageSlice, dw: Tensor, splits: number): void {
  if (splits > 1) dispatchFlat(dw.device.kernel('conv_parts', source), { parts, y: dw }, { n: dw.size, splits });
}
