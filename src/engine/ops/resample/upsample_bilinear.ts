import source from '../../../../shaders/resample/bilinear.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { aBoolean, checkArguments } from '../arguments.ts';
import { columnGrid } from '../launch.ts';
import { checkResize } from './resize.ts';

/**
 * Bilinear resize of each picture: (N, C, H, W) → (N, C, height, width), larger or smaller. With `alignCorners` the
 * centres of the corner pixels coincide, otherwise the edges of the pictures. No antialiasing when shrinking. Gradients
 * of any order.
 * Source: as `torch.nn.functional.interpolate(mode='bilinear', align_corners=…)`.
 * @throws PixtapeError if a side is not a whole number of at least 1, or the product of old and new side exceeds 2^29
 */
export function upsampleBilinear(x: Tensor, height: number, width: number, alignCorners: boolean): Tensor {
  const [, , inH, inW] = checkResize('upsampleBilinear', x, height, width);
  checkArguments('upsampleBilinear', { alignCorners: aBoolean }, { alignCorners });
  return resized(x, { in_h: inH, in_w: inW, out_h: height, out_w: width, align: alignCorners ? 1 : 0 });
}

/** Names as in the shader. */
interface Sides extends Record<string, number> {
  in_h: number;
  in_w: number;
  out_h: number;
  out_w: number;
  align: number;
}

function resized(x: Tensor, sides: Sides): Tensor {
  const [batch = 1, channels = 1] = x.shape;
  const y = Tensor.temporary(x.device, [batch, channels, sides.out_h, sides.out_w], 'upsample', x.dtype);
  const { params, groups } = columnGrid(x.device, sides.out_h, batch * channels * sides.out_w);
  dispatch(x.device.kernel('upsample', source, 'forward'), { x, y }, { ...params, ...sides }, groups);
  const back = (dy: Tensor) => [transposed(dy, sides)];
  return differentiable(y, [x], back, back);
}

/** The transpose: each pixel gathers its share of the gradients of the outputs near it. */
function transposed(dy: Tensor, sides: Sides): Tensor {
  const [batch = 1, channels = 1] = dy.shape;
  const dx = Tensor.temporary(dy.device, [batch, channels, sides.in_h, sides.in_w], 'upsample.dx', dy.dtype);
  const { params, groups } = columnGrid(dy.device, sides.in_h, batch * channels * sides.in_w);
  dispatch(dy.device.kernel('upsample.backward', source, 'backward'), { dy, dx }, { ...params, ...sides }, groups);
  const back = (d: Tensor) => [resized(d, sides)];
  return differentiable(dx, [dy], back, back);
}
