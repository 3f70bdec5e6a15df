import type { StorageSlice } from '../../gpu/storage.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { type ConvGeometry, weightSize } from './geometry.ts';

/** The weights of `count` output channels of one group, from `first` on, few enough for one binding. */
export interface WeightSlice {
  group: number;
  first: number;
  count: number;
  slice: Tensor | StorageSlice;
  /** The index in `slice` at which they begin. */
  start: number;
}

/** Whether a weight fits one binding or can be cut into slices, which needs one group. */
export function weightFits(bindingLimit: number, g: ConvGeometry): boolean {
  return g.groups === 1 || 4 * weightSize(g) <= bindingLimit;
}

/** Cuts a weight (or its gradient) into runs of output channels, each within one group and one binding. */
export function weightSlices(w: Tensor, g: ConvGeometry): WeightSlice[] {
  const { bindingLimit, limits } = w.device;
  if (w.size * 4 <= bindingLimit || g.groups > 1) {
    const count = g.outC / g.groups;
    return Array.from({ length: g.groups }, (_, group) => {
      return { group, first: group * count, count, slice: w, start: group * (w.size / g.groups) };
    });
  }
  const bytes = (w.size / g.outC) * 4;
  // A slice must begin at an aligned byte, so it takes channels in multiples of this unit.
  let unit = 1;
  while ((bytes * unit) % limits.minStorageBufferOffsetAlignment !== 0) unit++;
  const most = Math.max(unit, Math.floor(bindingLimit / (bytes * unit)) * unit);
  const all: WeightSlice[] = [];
  for (let first = 0; first < g.outC; first += most) {
    const count = Math.min(most, g.outC - first);
    const slice = { storage: w.storage, offset: first * bytes, size: count * bytes };
    all.push({ group: 0, first, count, slice, start: 0 });
  }
  return all;
}
