import poolSource from '../../../../shaders/resample/avg_pool.wgsl';
import plane from '../../../../shaders/shape/plane.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aBoolean, aTensor, aWholeNumber, checkArguments, checkOptions, optional } from '../arguments.ts';
import { scale } from '../elementwise/arithmetic.ts';
import { nchw, planeGrid } from '../launch.ts';
import { aPair, type Pair, pairOf } from '../pair.ts';
import { reduceAxes, SUM } from '../reduce/reduce_axes.ts';
import { expandTo } from '../shape/expand.ts';
import { type PoolSides, poolParams, poolSides } from './pool.ts';

const source = `${poolSource}\n${plane}`;

export interface AvgPoolOptions {
  /** Whether zeros of the padding count among the values of a window, as in PyTorch by default; default true. */
  countIncludePad?: boolean;
}

/**
 * The mean of each window of `kernel` pixels: (N, C, H, W) → (N, C, ⌊(H + 2·padding − kernel) / stride⌋ + 1, …).
 * Gradients of any order.
 * @param kernel any side, or both: [height, width]; as stride and padding
 * @throws PixtapeError if the window is larger than the padded picture, or the padding more than half a window
 *
 * Source: as `torch.nn.functional.avg_pool2d`.
 */
export function avgPool2d(
  x: Tensor,
  kernel: Pair,
  stride: Pair = kernel,
  padding: Pair = 0,
  options: AvgPoolOptions = {},
): Tensor {
  const sides = poolSides('avgPool2d', x, kernel, stride, padding);
  checkOptions('avgPool2d', { countIncludePad: optional(aBoolean) }, options);
  return pooled(x, { sides, ADAPTIVE: false, COUNT_PAD: options.countIncludePad ?? true });
}

/** The bounds of a window are computed in 32-bit integers. */
const MOST = 2 ** 31;

/**
 * The means of as many windows as the result has pixels, as equal in size as possible: (N, C, H, W) → (N, C, height,
 * width). Gradients of any order.
 * @param size the sides of the result: [height, width], or one number for both
 * @throws PixtapeError if a side is not a whole number of at least 1
 *
 * Source: as `torch.nn.functional.adaptive_avg_pool2d`.
 */
export function adaptiveAvgPool2d(x: Tensor, size: Pair): Tensor {
  const op = 'adaptiveAvgPool2d';
  checkArguments(op, { x: aTensor, size: aPair(aWholeNumber(1)) }, { x, size });
  const [, , inH, inW] = nchw(op, x.shape);
  const [outH, outW] = pairOf(size);
  if (outH * outW === 1) return meanOfPlanes(x);
  if ((inH + 1) * (outH + 1) > MOST || (inW + 1) * (outW + 1) > MOST) {
    throw new PixtapeError(`${op}: [${x.shape}] to ${outW} × ${outH} is beyond its exact arithmetic`);
  }
  const none = { kernelH: 1, kernelW: 1, strideH: 1, strideW: 1, padH: 0, padW: 0 };
  return pooled(x, { sides: { ...none, inH, inW, outH, outW }, ADAPTIVE: true, COUNT_PAD: false });
}

/** The mean of each plane: (N, C, H, W) → (N, C, 1, 1). Gradients of any order. */
export function globalAvgPool(x: Tensor): Tensor {
  checkArguments('globalAvgPool', { x: aTensor }, { x });
  nchw('globalAvgPool', x.shape);
  return meanOfPlanes(x);
}

function meanOfPlanes(x: Tensor): Tensor {
  const [, , height = 1, width = 1] = x.shape;
  const factor = 1 / (height * width);
  const y = reduceAxes(SUM, x, [2, 3], { label: 'avg_pool', factor, dtype: x.dtype });
  const back = (dy: Tensor) => [expandTo(scale(dy, factor), x.shape)];
  return differentiable(y, [x], back, back);
}

interface Pooling {
  sides: PoolSides;
  ADAPTIVE: boolean;
  COUNT_PAD: boolean;
}

function pooled(x: Tensor, pooling: Pooling): Tensor {
  const { outH, outW } = pooling.sides;
  const y = Tensor.temporary(x.device, [...x.shape.slice(0, 2), outH, outW], 'avg_pool', x.dtype);
  run(pooling, 'forward', { x, y }, y);
  const back = (dy: Tensor) => [spread(dy, pooling)];
  return differentiable(y, [x], back, back);
}

/** The transpose: spreads each value of dy over the pixels of its window. */
function spread(dy: Tensor, pooling: Pooling): Tensor {
  const { inH, inW } = pooling.sides;
  const dx = Tensor.temporary(dy.device, [...dy.shape.slice(0, 2), inH, inW], 'avg_pool.dx', dy.dtype);
  run(pooling, 'transposed', { dy, dx }, dx);
  const back = (d: Tensor) => [pooled(d, pooling)];
  return differentiable(dx, [dy], back, back);
}

/** @param result the planes that invocations walk through */
function run({ sides, ...constants }: Pooling, entry: string, bindings: Record<string, Tensor>, result: Tensor): void {
  const { device, shape } = result;
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const { params, groups } = planeGrid(device, height, width, batch * channels);
  const kernel = device.kernel(`avg_pool.${entry}`, source, entry, constants);
  dispatch(kernel, bindings, { ...params, ...poolParams(sides) }, groups);
}
