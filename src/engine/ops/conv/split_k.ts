import reduceSource from '../../../../shaders/conv/reduce_split_k.wgsl';
import leakyRelu from '../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { StorageSlice } from '../../gpu/storage.ts';
import { deferSum } from '../../tape/deferred/sums.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';

const source = `${reduceSource}\n${leakyRelu}`;

/** A buffer for the partial sums of a split-K. With one split it is the result itself, or its slice. */
export function splitKBuffer(result: Tensor, slice: Tensor | StorageSlice, splits: number): Tensor | StorageSlice {
  return splits === 1 ? slice : Tensor.temporary(result.device, [splits, ...result.shape], `${result.label}.parts`);
}

/** The epilogue of the sums (N, channels, plane): a bias, then a leaky ReLU. */
export interface Epilogue {
  bias?: Tensor | undefined;
  channels: number;
  plane: number;
  /** Slope of the leaky ReLU; 1 for none. */
  slope: number;
  /** The leaky ReLU's result, if the epilogue is its gradient instead. */
  activated?: Tensor | undefined;
  /** Added to the result, instead of a leaky ReLU. */
  added?: Tensor | undefined;
}

/** The tensor that the shaders call `beside`, if any, and their number for its meaning. */
export function besides({ activated, added }: Pick<Epilogue, 'activated' | 'added'>): [Tensor | undefined, number] {
  if (activated) return [activated, 1];
  return added ? [added, 2] : [undefined, 0];
}

/**
 * Adds the partial sums up into the result, in a fixed order. Does nothing for one split. Without an epilogue it is
 * deferred until something needs the result.
 */
export function reduceSplitK(parts: Tensor | StorageSlice, result: Tensor, splits: number, finish?: Epilogue): void {
  if (splits === 1) return;
  if (!finish && parts instanceof Tensor && result.dtype === 'f32') {
    deferSum(result, [{ values: parts.storage, step: 1, stride: result.size, count: splits }]);
    return;
  }
  const { bias, channels = 1, plane = 1, slope = 1 } = finish ?? {};
  const [beside, kind] = besides(finish ?? {});
  dispatchElements(
    result.device.kernel('reduce_split_k', source),
    { parts, bias: bias ?? parts, y: result, beside: beside ?? parts },
    { n: result.size, splits, channels, plane, has_bias: bias ? 1 : 0, slope, besides: kind },
  );
}
