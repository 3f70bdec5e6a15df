import source from '../../shaders/channel_sum.wgsl';
import { dispatch, FLAT_WORKGROUP } from '../tape/dispatch.ts';
import { Tensor } from '../tape/tensor.ts';

/** A slice has at least 16 values for each lane; more slices than this would make the second pass long. */
const LEAST_SLICE = 16 * FLAT_WORKGROUP;
const MOST_SLICES = 16;

/** Sum of each channel, (N, C, H, W) → (C), in a fixed order: the gradient of a bias. Nothing on the tape. */
export function channelSum(x: Tensor): Tensor {
  const { device } = x;
  const [batch = 1, channels = 1, h = 1, w = 1] = x.shape;
  const plane = h * w;
  const wanted = Math.min(MOST_SLICES, Math.ceil(device.enoughGroups / channels));
  const slice = Math.max(LEAST_SLICE, Math.ceil(plane / wanted));
  const slices = Math.ceil(plane / slice);
  const params = { batch, channels, plane, slice, slices };
  const partials = Tensor.temporary(device, [channels, slices, FLAT_WORKGROUP], 'channel_sum.partials');
  dispatch(device.kernel('channel_sum.strides', source, 'strides'), { x, partials }, params, [slices, channels]);
  const y = Tensor.temporary(device, [channels], 'channel_sum');
  const groups = Math.ceil(channels / FLAT_WORKGROUP);
  dispatch(device.kernel('channel_sum.total', source, 'total'), { found: partials, y }, params, [groups]);
  return y;
}
