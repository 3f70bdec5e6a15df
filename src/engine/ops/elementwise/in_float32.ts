import { differentiable } from '../../tape/autograd.ts';
import { COPY, computeElementwise } from '../../tape/elementwise.ts';
import type { Tensor } from '../../tape/tensor.ts';

/**
 * x in float32, for what is made of several operations and must not be rounded to halves between them: losses and powers,
 * as PyTorch's autocast has it. x itself where it is not stored as halves. Its gradient is stored as x is.
 */
export function inFloat32(x: Tensor): Tensor {
  if (x.dtype !== 'f16') return x;
  const result = { shape: x.shape, label: x.label, dtype: 'f32' as const };
  const back = (dy: Tensor) => [dy];
  return differentiable(computeElementwise(x.device, COPY, 'f', { x }, result), [x], back, back);
}
