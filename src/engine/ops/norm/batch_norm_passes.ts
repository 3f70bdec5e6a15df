import type { Device } from '../../gpu/device.ts';
import type { Workgroups } from '../../gpu/program.ts';
import type { Storage } from '../../gpu/storage.ts';
import { dispatch, invocationWorkgroups, split1d } from '../../tape/dispatch.ts';
import { sizeOf, Tensor } from '../../tape/tensor.ts';

/** The dispatches of batch norm's passes. */

/** The shortest slice (a multiple of any LANES), and the most slices of a channel, which are combined one by one. */
const LEAST_SLICE = 1024;
const MOST_SLICES = 64;
/** The most parts that one invocation combines for its channel. With more, `join` runs first. */
const MOST_PARTS = 256;

/** How a channel's values are cut into slices, the same in all passes; names as in the shaders. */
export interface Slicing {
  channels: number;
  plane: number;
  n: number;
  slice: number;
  count: number;
  per: number;
  step_pictures: number;
  step_pixels: number;
}

export type Pass = (entry: string, bindings: Readonly<Record<string, Tensor | Storage>>, groups: Workgroups) => void;

/** Dispatches passes of one shader over the same values. */
export function passes(
  { device }: Tensor,
  label: string,
  text: string,
  params: Readonly<Record<string, number>>,
): Pass {
  return (entry, bindings, groups) => {
    dispatch(device.kernel(`${label}.${entry}`, text, entry, { MEET: meets(device) }), bindings, params, groups);
  };
}

/**
 * Whether the lanes of a workgroup combine their results in it. On a CPU driver a barrier costs more than a dispatch.
 */
export function meets({ capabilities }: Device): boolean {
  return !capabilities.cpu;
}

/** The results of a pass over x: two numbers per slice, or per lane if lanes do not meet and are few. */
export function gathered({ device }: Tensor, s: Slicing, pass: (partials: Tensor) => void, run: Pass): Tensor {
  const slices = Tensor.temporary(device, [s.channels, s.count, 2], 'batch_norm.slices');
  if (meets(device)) {
    pass(slices);
    return slices;
  }
  const lanes = Tensor.temporary(device, [s.channels, s.count, device.lanes, 2], 'batch_norm.lanes');
  pass(lanes);
  if (s.per > 1) return lanes;
  run('join', { lanes, slices }, invocationWorkgroups(device, s.channels * s.count));
  return slices;
}

export function perSlice(s: Slicing): Workgroups {
  return [s.count, ...split1d(s.channels)];
}

export function slicing(x: Tensor): Slicing {
  const [batch = 1, channels = 1, ...rest] = x.shape;
  const plane = sizeOf(rest);
  const n = batch * plane;
  const { maxUsefulWorkgroups, lanes } = x.device;
  const wanted = Math.min(MOST_SLICES, Math.ceil(maxUsefulWorkgroups / channels));
  const slice = Math.max(LEAST_SLICE, Math.ceil(n / wanted / lanes) * lanes);
  const count = Math.ceil(n / slice);
  return {
    channels,
    plane,
    n,
    slice,
    count,
    per: meets(x.device) || count * lanes > MOST_PARTS ? 1 : lanes,
    step_pictures: Math.floor(lanes / plane),
    step_pixels: lanes % plane,
  };
}
