import source from '../../../../shaders/resample/upsample.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { columnGrid, nchw } from '../launch.ts';

/** Source positions are fractions of 32-bit whole numbers up to twice the product of both sides. */
const MOST = 2 ** 29;

/**
 * Bilinear resize of each picture: (N, C, H, W) → (N, C, height, width), larger or smaller. With `alignCorners` the
 * corner pixels' centres stay in place, otherwise the pictures' edges do. No antialiasing when it gets smaller.
 * Source: as `torch.nn.functional.interpolate(mode='bilinear', align_corners=…)`.
 * @throws PixtapeError if a side is no whole number of at least 1, or product of old and new side exceeds 2^29
 */
export function upsampleBilinear(x: Tensor, height: number, width: number, alignCorners: boolean): Tensor {
  const [batch, channels, inH, inW] = nchw('upsampleBilinear', x.shape);
  if (inH * height > MOST || inW * width > MOST) {
    throw new PixtapeError(`upsampleBilinear: [${x.shape}] to ${width} × ${height} is beyond its exact arithmetic`);
  }
  const y = Tensor.temporary(x.device, [batch, channels, height, width], 'upsample', x.dtype);
  const planes = batch * channels;
  const sides = { in_h: inH, in_w: inW, out_h: height, out_w: width, align: alignCorners ? 1 : 0 };
  const { params, groups } = columnGrid(x.device, height, planes * width);
  dispatch(x.device.kernel('upsample', source, 'forward'), { x, y }, { ...params, ...sides }, groups);
  return differentiable(y, [x], (dy) => {
    const dx = x.like('upsample.dx');
    const back = x.device.kernel('upsample.backward', source, 'backward');
    const walk = columnGrid(x.device, inH, planes * inW);
    dispatch(back, { dy, dx }, { ...walk.params, ...sides }, walk.groups);
    return [dx];
  });
}
