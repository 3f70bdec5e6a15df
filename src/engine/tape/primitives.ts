import addSource from '../../../shaders/elementwise/add.wgsl';
import fillSource from '../../../shaders/elementwise/fill.wgsl';
import scaleSource from '../../../shaders/elementwise/scale.wgsl';
import { dispatchElements } from './dispatch.ts';
import type { Tensor } from './tensor.ts';

/** The few kernels that differentiation itself needs. They leave nothing on the tape. */

/** Records y = value in every element, as a temporary of `like`'s shape. */
export function filled(like: Tensor, value: number, label: string): Tensor {
  const y = like.like(label);
  dispatchElements(like.device.kernel('fill', fillSource), { y }, { n: y.size, value });
  return y;
}

/** Records a + b. */
export function sumOf(a: Tensor, b: Tensor, label: string): Tensor {
  const y = a.like(label);
  dispatchElements(a.device.kernel('add', addSource, 'forward'), { a, b, y }, { n: a.size });
  return y;
}

/** Records factor · x, stored as `like` is. */
export function scaled(x: Tensor, factor: number, label: string, like = x): Tensor {
  const y = like.like(label);
  dispatchElements(x.device.kernel('scale', scaleSource, 'forward'), { x, y }, { n: x.size, factor });
  return y;
}
