import isNan from '../../../../shaders/elementwise/shared/is_nan.wgsl';
import leakyRelu from '../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import poolSource from '../../../../shaders/resample/max_pool.wgsl';
import plane from '../../../../shaders/shape/plane.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { bringBefore, slopeBehind } from '../activation_gradient.ts';
import { planeGrid } from '../launch.ts';
import type { Pair } from '../pair.ts';
import { type PoolSides, poolParams, poolSides } from './pool.ts';

const source = `${poolSource}\n${plane}\n${leakyRelu}\n${isNan}`;

/** Loops of square windows up to this side are unrolled. Drivers would take long to compile larger ones. */
const WRITTEN_OUT = 3;

/**
 * The largest value in each window of `kernel` pixels: (N, C, H, W) → (N, C, ⌊(H + 2·padding − kernel) / stride⌋ + 1,
 * …). Padding never wins. The gradient goes to the first of equal values in row-major order. A NaN in the window is the
 * result. The position of each maximum is kept for the backward pass (four bytes per value of the result). Gradients of
 * any order.
 * @param kernel any side, or both: [height, width]; as stride and padding
 * @throws PixtapeError if the window is larger than the padded picture, or the padding more than half a window
 *
 * Source: as `torch.nn.functional.max_pool2d`.
 */
export function maxPool2d(x: Tensor, kernel: Pair, stride: Pair = kernel, padding: Pair = 0): Tensor {
  const sides = poolSides('maxPool2d', x, kernel, stride, padding);
  const y = Tensor.temporary(x.device, [...x.shape.slice(0, 2), sides.outH, sides.outW], 'max_pool', x.dtype);
  const place = Tensor.temporary(x.device, y.shape, 'max_pool.place', 'u32');
  run(sides, 'forward', { x, y, place }, y);
  const back = (dy: Tensor) => [unpooled(sides, dy, place, x)];
  const backward = (dy: Tensor) => {
    const slope = slopeBehind(x);
    if (slope === undefined) return back(dy);
    const dx = x.like('max_pool.dx');
    spread(sides, { dy, came_from: place, pooled: y, dx }, slope);
    return [bringBefore(dx)];
  };
  return differentiable(y, [x], backward, back);
}

/**
 * Records the gradients at the positions of the maxima, and 0 elsewhere.
 * @param slope of the leaky ReLU whose result x is, if the gradient must pass through it; `pooled` has x's sign
 */
function spread(
  sides: PoolSides,
  bindings: Record<'dy' | 'came_from' | 'pooled' | 'dx', Tensor>,
  slope?: number,
): void {
  const tiled = writtenOut(sides) > 0 && coversAll(sides);
  const { dy, dx } = bindings;
  run(sides, tiled ? 'backward_tiled' : 'backward', bindings, tiled ? dy : dx, slope);
}

/** The gradients at the positions of the maxima, 0 elsewhere, in the shape of x. */
function unpooled(sides: PoolSides, dy: Tensor, place: Tensor, x: Tensor): Tensor {
  const dx = x.like('max_pool.dx');
  spread(sides, { dy, came_from: place, pooled: dy, dx });
  const back = (d: Tensor) => [picked(sides, d, place, dy)];
  return differentiable(dx, [dy], back, back);
}

/** The transpose of `unpooled`: the values of d at the positions of the maxima. */
function picked(sides: PoolSides, d: Tensor, place: Tensor, dy: Tensor): Tensor {
  const y = dy.like('max_pool.picked');
  run(sides, 'pick', { x: d, came_from: place, y }, y);
  const back = (e: Tensor) => [unpooled(sides, e, place, d)];
  return differentiable(y, [d], back, back);
}

/**
 * @param walked the planes that invocations walk through
 * @param slope of the leaky ReLU through which a gradient must pass
 */
function run(sides: PoolSides, entry: string, bindings: Record<string, Tensor>, walked: Tensor, slope?: number): void {
  const { device, shape } = walked;
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const constants = { SIZE: writtenOut(sides), PADDED: sides.padH + sides.padW > 0, BEHIND: slope !== undefined };
  const kernel = device.kernel(`max_pool.${entry}`, source, entry, constants);
  const { params, groups } = planeGrid(device, height, width, batch * channels);
  dispatch(kernel, bindings, { ...params, ...poolParams(sides), slope: slope ?? 1 }, groups);
}

/** The side of a small square window, else 0. */
function writtenOut({ kernelH, kernelW }: PoolSides): number {
  return kernelH === kernelW && kernelH <= WRITTEN_OUT ? kernelH : 0;
}

/** Whether the windows tile the picture without a remainder. */
function coversAll(s: PoolSides): boolean {
  const beside = s.kernelH === s.strideH && s.kernelW === s.strideW && s.padH + s.padW === 0;
  return beside && s.outH * s.kernelH === s.inH && s.outW * s.kernelW === s.inW;
}
