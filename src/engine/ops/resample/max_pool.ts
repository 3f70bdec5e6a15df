import source from '../../../../shaders/resample/max_pool.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { nchw, planeGrid } from '../launch.ts';

/**
 * The largest value under each window of `kernel` × `kernel` pixels: (N, C, H, W) →
 * (N, C, ⌊(H + 2·padding − kernel) / stride⌋ + 1, …). Padding is never chosen. The gradient goes to the first of equal
 * values in row-major order; a NaN under the window is the result.
 *
 * Where each maximum was is kept for the backward (four bytes for each value of the result).
 * Source: as `torch.nn.functional.max_pool2d`.
 * @throws PixtapeError if the window is larger than the padded picture, or the padding more than half a window
 */
export function maxPool2d(x: Tensor, kernel: number, stride: number = kernel, padding = 0): Tensor {
  const [batch, channels, inH, inW] = nchw('maxPool2d', x.shape);
  if (!(Number.isInteger(kernel) && Number.isInteger(stride) && kernel >= 1 && stride >= 1)) {
    throw new PixtapeError(`maxPool2d: kernel ${kernel} and stride ${stride} must be whole numbers of at least 1`);
  }
  if (!(Number.isInteger(padding) && padding >= 0 && padding <= kernel / 2)) {
    throw new PixtapeError(`maxPool2d: padding ${padding} must be from 0 to half the kernel's ${kernel}`);
  }
  const outH = Math.floor((inH + 2 * padding - kernel) / stride) + 1;
  const outW = Math.floor((inW + 2 * padding - kernel) / stride) + 1;
  if (outH < 1 || outW < 1) {
    throw new PixtapeError(`maxPool2d: the ${kernel} × ${kernel} window is larger than the padded input [${x.shape}]`);
  }
  const planes = batch * channels;
  const older = Math.floor((kernel - 1) / stride);
  const sides = { in_h: inH, in_w: inW, out_h: outH, out_w: outW, stride, pad: padding, older };
  const constants = { SIZE: kernel, PADDED: padding > 0 };
  const y = Tensor.temporary(x.device, [batch, channels, outH, outW], 'max_pool', x.dtype);
  const place = Tensor.temporary(x.device, y.shape, 'max_pool.place');
  const { params, groups } = planeGrid(x.device, outH, outW, planes);
  dispatch(x.device.kernel('max_pool', source, 'forward', constants), { x, y, place }, { ...params, ...sides }, groups);
  return differentiable(y, [x], (dy) => {
    const dx = x.like('max_pool.dx');
    const tiled = kernel === stride && padding === 0 && outH * kernel === inH && outW * kernel === inW;
    const entry = tiled ? 'backward_tiled' : 'backward';
    const back = x.device.kernel(`max_pool.${entry}`, source, entry, constants);
    const walk = tiled ? planeGrid(x.device, outH, outW, planes) : planeGrid(x.device, inH, inW, planes);
    dispatch(back, { dy, came_from: place, dx }, { ...walk.params, ...sides }, walk.groups);
    return [dx];
  });
}
