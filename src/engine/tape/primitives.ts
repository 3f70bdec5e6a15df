import addSource from '../../../shaders/elementwise/arithmetic/add.wgsl';
import scaleSource from '../../../shaders/elementwise/arithmetic/scale.wgsl';
import { COPY, computeElementwise } from './elementwise.ts';
import { parseElementwise } from './elementwise_text.ts';
import type { Tensor } from './tensor.ts';

/** The few kernels that differentiation itself needs. They leave nothing on the tape. */

export const ADD = parseElementwise('add', addSource);
export const SCALE = parseElementwise('scale', scaleSource);

/** Records y = value in every element, as a temporary of `like`'s shape. */
export function filled(like: Tensor, value: number, label: string): Tensor {
  return computeElementwise(like.device, COPY, 'f', { x: value }, { shape: like.shape, label, dtype: like.dtype });
}

/** Records a + b, of one shape, stored as a is. */
export function sumOf(a: Tensor, b: Tensor, label: string): Tensor {
  return computeElementwise(a.device, ADD, 'f', { a, b }, { shape: a.shape, label, dtype: a.dtype });
}

/** Records factor · x, stored as `like` is. */
export function scaled(x: Tensor, factor: number, label: string, like = x): Tensor {
  return computeElementwise(x.device, SCALE, 'f', { x, factor }, { shape: x.shape, label, dtype: like.dtype });
}
