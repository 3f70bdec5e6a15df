import type { StorageSlice } from '../../gpu/storage.ts';
import type { Tensor } from '../../tape/tensor.ts';

/** The weights of `count` output channels from `first` on: all of them, or what one binding can hold. */
export interface WeightSlice {
  first: number;
  count: number;
  slice: Tensor | StorageSlice;
}

/** Cuts a weight (or its gradient) of `channels` output channels into runs that each fit one binding. */
export function weightSlices(w: Tensor, channels: number): WeightSlice[] {
  const { bindingLimit, limits } = w.device;
  if (w.size * 4 <= bindingLimit) return [{ first: 0, count: channels, slice: w }];
  const bytes = (w.size / channels) * 4;
  // A slice has to begin at an aligned byte: take channels in multiples of what makes one.
  let unit = 1;
  while ((bytes * unit) % limits.minStorageBufferOffsetAlignment !== 0) unit++;
  const most = Math.max(unit, Math.floor(bindingLimit / (bytes * unit)) * unit);
  const all: WeightSlice[] = [];
  for (let first = 0; first < channels; first += most) {
    const count = Math.min(most, channels - first);
    all.push({ first, count, slice: { storage: w.storage, offset: first * bytes, size: count * bytes } });
  }
  return all;
}
