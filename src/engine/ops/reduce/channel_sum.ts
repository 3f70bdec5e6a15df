import leakyRelu from '../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import sumSource from '../../../../shaders/reduce/channel_sum.wgsl';
import { deferSum } from '../../tape/deferred/sums.ts';
import { dispatch, split1d } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';

const source = `${sumSource}\n${leakyRelu}`;

/** The fewest values of a slice, and the most slices, which bounds the second pass. */
const LEAST_SLICE = 1024;
const MOST_SLICES = 16;

/** Sum of each channel, (N, C, H, W) → (C), in a fixed order: the gradient of a bias. Nothing on the tape. */
export function channelSum(x: Tensor): Tensor {
  return summed(x, 'strides', { x }, 1);
}

/**
 * The gradient before a leaky ReLU, from its result y (N, C, H, W) and that result's gradient dy, with the sum of each
 * channel, in one pass. Nothing on the tape.
 */
export function leakyReluGradientAndSum(y: Tensor, dy: Tensor, slope: number): { dx: Tensor; sum: Tensor } {
  const dx = y.like('leaky_relu.dx');
  return { dx, sum: summed(y, 'behind_leaky_relu', { result: y, dy, dx }, slope) };
}

/** A pass that leaves one sum per lane of each slice. Their sums per channel are deferred. */
function summed(
  { device, shape }: Tensor,
  pass: 'strides' | 'behind_leaky_relu',
  bindings: Readonly<Record<string, Tensor>>,
  slope: number,
): Tensor {
  const [batch = 1, channels = 1, h = 1, w = 1] = shape;
  const plane = h * w;
  const wanted = Math.min(MOST_SLICES, Math.ceil(device.maxUsefulWorkgroups / channels));
  const slice = Math.max(LEAST_SLICE, Math.ceil(plane / wanted));
  const slices = Math.ceil(plane / slice);
  const params = { batch, channels, plane, slice, slices, slope };
  const partials = Tensor.temporary(device, [channels, slices, device.lanes], 'channel_sum.partials');
  const kernel = device.kernel(`channel_sum.${pass}`, source, pass);
  dispatch(kernel, { ...bindings, partials }, params, [slices, ...split1d(channels)]);
  const y = Tensor.temporary(device, [channels], 'channel_sum');
  // The sums of all lanes of all slices of a channel are contiguous.
  const count = slices * device.lanes;
  deferSum(y, [{ values: partials.storage, step: count, stride: 1, count }]);
  return y;
}
