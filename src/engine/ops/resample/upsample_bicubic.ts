import source from '../../../../shaders/resample/bicubic.wgsl';
import type { Dtype } from '../../gpu/storage.ts';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { sizeOf, Tensor } from '../../tape/tensor.ts';
import { aBoolean, checkArguments } from '../arguments.ts';
import { checkResize } from './resize.ts';

/**
 * Bicubic resize of each picture: (N, C, H, W) → (N, C, height, width), larger or smaller, first along the rows, then
 * along the columns. With `alignCorners` the centres of the corner pixels coincide, otherwise the edges of the
 * pictures. No antialiasing when shrinking. Values may exceed the input's range. Gradients of any order.
 * Source: as `torch.nn.functional.interpolate(mode='bicubic', align_corners=…)`.
 * @throws PixtapeError if a side is not a whole number of at least 1, or the product of old and new side exceeds 2^29
 */
export function upsampleBicubic(x: Tensor, height: number, width: number, alignCorners: boolean): Tensor {
  checkResize('upsampleBicubic', x, height, width);
  checkArguments('upsampleBicubic', { alignCorners: aBoolean }, { alignCorners });
  // Round only once, at the end.
  const across = along(x, { axis: 3, to: width, align: alignCorners }, 'f32');
  return along(across, { axis: 2, to: height, align: alignCorners }, x.dtype);
}

interface Resize {
  axis: 2 | 3;
  to: number;
  align: boolean;
}

function along(x: Tensor, resize: Resize, dtype: Dtype): Tensor {
  const y = run('forward', x, resize, resize.to, dtype);
  const back = (dy: Tensor) => [transposed(dy, resize, x)];
  return differentiable(y, [x], back, back);
}

function transposed(dy: Tensor, resize: Resize, like: Tensor): Tensor {
  const dx = run('transposed', dy, resize, like.shape[resize.axis] as number, like.dtype);
  const back = (d: Tensor) => [along(d, resize, dy.dtype)];
  return differentiable(dx, [dy], back, back);
}

/** Records the resize of one axis of x to `length`, or the transpose of such a resize. */
function run(entry: 'forward' | 'transposed', x: Tensor, { axis, to, align }: Resize, length: number, dtype: Dtype) {
  const shape = x.shape.map((n, i) => (i === axis ? length : n));
  const result = Tensor.temporary(x.device, shape, 'upsample_bicubic', dtype);
  const side = entry === 'forward' ? (x.shape[axis] as number) : length;
  const params = { n: result.size, inner: sizeOf(x.shape.slice(axis + 1)), side, to, align: align ? 1 : 0 };
  const kernel = x.device.kernel(`upsample_bicubic.${entry}`, source, entry);
  dispatchElements(kernel, entry === 'forward' ? { x, y: result } : { dy: x, dx: result }, params);
  return result;
}
