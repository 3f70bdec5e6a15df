import source from '../../../../shaders/lookup/cast.wgsl';
import type { Dtype } from '../../gpu/storage.ts';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { COPY, computeElementwise } from '../../tape/elementwise.ts';
import { Tensor } from '../../tape/tensor.ts';
import { aTensor, checkArguments, oneOf } from '../arguments.ts';

/**
 * Converts to another type: f32, f16 (if the device can store halves), u32 or i32. Floats are truncated towards 0 and
 * clamped to the range of whole numbers; NaN becomes any number. Gradients of any order flow between floats.
 * @throws PixtapeError if there is no such type
 */
export function cast(x: Tensor, dtype: Dtype): Tensor {
  checkArguments('cast', { x: aTensor, dtype: oneOf('f32', 'f16', 'u32', 'i32') }, { x, dtype });
  if (x.dtype === dtype) return x;
  const isFloat = (type: Dtype) => type === 'f32' || type === 'f16';
  if (isFloat(x.dtype) && isFloat(dtype)) {
    const back = (dy: Tensor) => [cast(dy, x.dtype)];
    const y = computeElementwise(x.device, COPY, 'f', { x }, { shape: x.shape, label: 'cast', dtype });
    return differentiable(y, [x], back, back);
  }
  const y = Tensor.temporary(x.device, x.shape, 'cast', dtype);
  const scalar = (type: Dtype) => (type === 'f16' ? 'f32' : type);
  const text = source.replaceAll('FROM', scalar(x.dtype)).replaceAll('TO', scalar(dtype));
  dispatchElements(x.device.kernel('cast', text), { x, y }, { n: x.size });
  return y;
}
