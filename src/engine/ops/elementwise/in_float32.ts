import { differentiable } from '../../tape/autograd.ts';
import { COPY, computeElementwise } from '../../tape/elementwise.ts';
import type { Tensor } from '../../tape/tensor.ts';

/**
 * x in float32, for operations that are composed of others and must not round to halves in between: losses and powers,
 * as under PyTorch's autocast. x itself if it is not stored as halves. Its gradient is stored like x.
 */
export function inFloat32(x: Tensor): Tensor {
  if (x.dtype !== 'f16') return x;
  const result = { shape: x.shape, label: x.label, dtype: 'f32' as const };
  const back = (dy: Tensor) => [dy];
  return differentiable(computeElementwise(x.device, COPY, 'f', { x }, result), [x], back, back);
}
