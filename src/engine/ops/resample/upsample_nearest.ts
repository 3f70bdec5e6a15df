import nearestSource from '../../../../shaders/resample/nearest.wgsl';
import plane from '../../../../shaders/shape/plane.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { planeGrid } from '../launch.ts';
import { checkResize } from './resize.ts';

const source = `${nearestSource}\n${plane}`;

/**
 * Nearest-neighbour resize of each picture: (N, C, H, W) → (N, C, height, width), larger or smaller. Row i of the result
 * is row ⌊i · H / height⌋, columns likewise. Gradients of any order.
 * Source: as `torch.nn.functional.interpolate(mode='nearest')`.
 * @throws PixtapeError if a side is not a whole number of at least 1
 */
export function upsampleNearest(x: Tensor, height: number, width: number): Tensor {
  const [, , inH, inW] = checkResize('upsampleNearest', x, height, width);
  return resized(x, { inH, inW, outH: height, outW: width });
}

interface Sides {
  inH: number;
  inW: number;
  outH: number;
  outW: number;
}

function resized(x: Tensor, sides: Sides): Tensor {
  const y = Tensor.temporary(x.device, [...x.shape.slice(0, 2), sides.outH, sides.outW], 'upsample_nearest', x.dtype);
  run(sides, 'forward', { x, y }, y);
  const back = (dy: Tensor) => [summed(dy, sides)];
  return differentiable(y, [x], back, back);
}

/** The transpose: for each pixel, the sum over its copies. */
function summed(dy: Tensor, sides: Sides): Tensor {
  const shape = [...dy.shape.slice(0, 2), sides.inH, sides.inW];
  const dx = Tensor.temporary(dy.device, shape, 'upsample_nearest.dx', dy.dtype);
  run(sides, 'transposed', { dy, dx }, dx);
  const back = (d: Tensor) => [resized(d, sides)];
  return differentiable(dx, [dy], back, back);
}

/** @param result one invocation per pixel of its planes */
function run({ inH, inW, outH, outW }: Sides, entry: string, bindings: Record<string, Tensor>, result: Tensor): void {
  const { device, shape } = result;
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const { params, groups } = planeGrid(device, height, width, batch * channels);
  const sides = { in_h: inH, in_w: inW, out_h: outH, out_w: outW };
  const scales = { scale_h: Math.fround(inH / outH), scale_w: Math.fround(inW / outW) };
  const kernel = device.kernel(`upsample_nearest.${entry}`, source, entry);
  dispatch(kernel, bindings, { ...params, ...sides, ...scales }, groups);
}
