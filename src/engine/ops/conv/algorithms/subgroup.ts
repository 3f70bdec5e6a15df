import type { Device } from '../../../gpu/device.ts';
import type { Kernel } from '../../../gpu/shader/kernel.ts';
import { dispatch, split2d } from '../../../tape/dispatch.ts';
import type { Tensor } from '../../../tape/tensor.ts';
import type { ConvDirection, ConvKernels } from '../algorithm.ts';
import type { ConvGeometry } from '../geometry.ts';
import { type WeightSlice, weightFits, weightSlices } from '../slices.ts';
import { reduceSplitK, splitKBuffer } from '../split_k.ts';

/**
 * The host side of convolutions of stride 1 in which each lane owns a patch of positions in several channels. The
 * algorithms differ in their shaders, not in the shaders' parameters. Every function records into the current program.
 */

/** Enough workgroups to keep the cores of a CPU busy to the end of a long reduction. */
const ENOUGH_WORKGROUPS = 32;
/**
 * Fewest and most positions in one sum. Fewer make adding up the parts too expensive; more make the error too large.
 */
const SHORTEST_SHARE = 512;
const LONGEST_SHARE = 4096;

/** One shader with its constants, and the size of its patch. */
export interface PatchKernel {
  kernel: Kernel;
  /** The patch of positions that a lane owns (a subgroup, in the weight gradient). */
  height: number;
  width: number;
  /** The channels for which a lane holds sums. */
  channels: number;
}

export interface PatchShaders {
  /** Forward and the gradient of the input: bindings and parameters of conv_tile.wgsl. */
  forward(device: Device, g: ConvGeometry): PatchKernel;
  /** The gradient of the weight: bindings and parameters of conv_tile_weight.wgsl. */
  weight(device: Device, g: ConvGeometry): PatchKernel;
}

/** The most groups, which take one dispatch each. With more groups, each has too few channels. */
const MOST_GROUPS = 16;

/** Whether the device has subgroups for such kernels, and the convolution suits them. */
export function patchesFit({ capabilities, bindingLimit }: Device, g: ConvGeometry): boolean {
  const { cpu, subgroupSize } = capabilities;
  const dense = g.strideH * g.strideW * g.dilationH * g.dilationW === 1;
  return cpu && [4, 8, 16].includes(subgroupSize) && dense && g.groups <= MOST_GROUPS && weightFits(bindingLimit, g);
}

/** The channels of the result per group in a direction; in the weight gradient, of the side with fewer. */
export function resultChannels({ inC, outC, groups }: ConvGeometry, direction: ConvDirection): number {
  const [into, out] = [inC / groups, outC / groups];
  return { forward: out, inputGradient: into, weightGradient: Math.min(into, out) }[direction];
}

export function patchKernels(shaders: PatchShaders): ConvKernels {
  return {
    forward(g, x, w, bias, y, slope = 1) {
      const taps = g.kernelH * g.kernelW;
      const inC = g.inC / g.groups;
      const strides = { w_out: inC * taps, w_in: taps, w_tap: 1, w_first: 0 };
      const sum = { shader: shaders.forward(y.device, g), strides, x, bias, y, pad: [g.padH, g.padW], slope } as const;
      // One output channel's weights are contiguous, so a slice of w gives a slice of the channels of y.
      for (const { group, first, count, slice, start } of weightSlices(w, g)) {
        record(sum, { slice, start }, { inC, inFirst: group * inC, outFirst: first, outC: count }, false);
      }
    },
    inputGradient(g, dy, w, bias, dx) {
      const taps = g.kernelH * g.kernelW;
      const inC = g.inC / g.groups;
      const strides = { w_out: taps, w_in: inC * taps, w_tap: -1, w_first: taps - 1 };
      const pad = [g.kernelH - 1 - g.padH, g.kernelW - 1 - g.padW] as const;
      const sum = { shader: shaders.forward(dx.device, g), strides, x: dy, bias, y: dx, pad, slope: 1 } as const;
      // The channels in a slice of w are summed over here, so later slices of a group add to the result of the first.
      for (const { group, first, count, slice, start } of weightSlices(w, g)) {
        const channels = { inC: count, inFirst: first, outFirst: group * inC, outC: inC };
        record(sum, { slice, start }, channels, first > group * (g.outC / g.groups));
      }
    },
    weightGradient(g, x, dy, dw) {
      const shader = shaders.weight(dw.device, g);
      const runs = weightSlices(dw, g);
      // The gradients of all groups are parts of one result. Large results are computed in slices, one after the other.
      if (g.groups > 1) weightGradient(shader, g, x, dy, dw, runs);
      else for (const run of runs) weightGradient(shader, g, x, dy, dw, [run]);
    },
  };
}

interface Sum {
  shader: PatchKernel;
  strides: { w_out: number; w_in: number; w_tap: number; w_first: number };
  /** (N, C, H, W): the operand whose channels are summed over. */
  x: Tensor;
  bias: Tensor | undefined;
  /** (N, O, OH, OW): the result. */
  y: Tensor;
  pad: readonly [number, number];
  /** Slope of a final leaky ReLU; 1 for none. */
  slope: number;
}

interface Channels {
  inC: number;
  /** The channel of x at which the slice of w begins. */
  inFirst: number;
  outFirst: number;
  outC: number;
}

function record(
  { shader, strides, x, bias, y, pad, slope }: Sum,
  { slice, start }: Pick<WeightSlice, 'slice' | 'start'>,
  { inC, inFirst, outFirst, outC }: Channels,
  accumulate: boolean,
): void {
  const [batch = 1, allIn = 1, inH = 1, inW = 1] = x.shape;
  const [, channels = 1, outH = 1, outW = 1] = y.shape;
  const tilesX = Math.ceil(outW / shader.width);
  const tiles = tilesX * Math.ceil(outH / shader.height);
  dispatch(
    shader.kernel,
    { x, w: slice, bias: bias && !accumulate ? bias : slice, y },
    {
      in_c: inC,
      in_all: allIn,
      in_first: inFirst,
      in_h: inH,
      in_w: inW,
      out_c: outC,
      out_h: outH,
      out_w: outW,
      pad_h: pad[0],
      pad_w: pad[1],
      ...strides,
      w_first: strides.w_first + start,
      tiles_x: tilesX,
      tiles,
      all_tiles: tiles * batch,
      channels,
      first: outFirst,
      has_bias: bias && !accumulate ? 1 : 0,
      accumulate: accumulate ? 1 : 0,
      slope,
    },
    split2d(Math.ceil((tiles * batch) / y.device.capabilities.subgroupSize), Math.ceil(outC / shader.channels)),
  );
}

/** The gradient of the weights of equally long runs of output channels, into their slice of dw. */
function weightGradient(
  shader: PatchKernel,
  g: ConvGeometry,
  x: Tensor,
  dy: Tensor,
  dw: Tensor,
  runs: readonly WeightSlice[],
): void {
  const [{ count, slice }] = runs as [WeightSlice];
  const lanes = dw.device.capabilities.subgroupSize;
  const taps = g.kernelH * g.kernelW;
  const inC = g.inC / g.groups;
  // Lanes take the side with more channels, so that few of them idle.
  const exchanged = count > inC;
  const out = { t: dy, channels: count, all: g.outC, height: g.outH, width: g.outW, stride: inC * taps };
  const input = { t: x, channels: inC, all: g.inC, height: g.inH, width: g.inW, stride: taps };
  const [l, b] = exchanged ? [out, input] : [input, out];
  const tilesX = Math.ceil(b.width / shader.width);
  const tiles = tilesX * Math.ceil(b.height / shader.height);
  const allTiles = tiles * g.batch;
  const groups = Math.ceil(l.channels / lanes) * Math.ceil(b.channels / shader.channels) * runs.length;
  const whole = slice === dw;
  const [shortest, longest] = [SHORTEST_SHARE, LONGEST_SHARE].map((n) => n / (shader.width * shader.height));
  const wanted = Math.max(Math.ceil(ENOUGH_WORKGROUPS / groups), Math.ceil(allTiles / (longest as number)));
  const share = whole ? Math.min(allTiles, Math.max(shortest as number, Math.ceil(allTiles / wanted))) : allTiles;
  const splits = Math.ceil(allTiles / share);
  const parts = splitKBuffer(dw, slice, splits);
  for (const { group, first, start } of runs) {
    const [lFirst, bFirst] = exchanged ? [first, group * inC] : [group * inC, first];
    dispatch(
      shader.kernel,
      { x: l.t, y: b.t, parts },
      {
        l_c: l.channels,
        l_all: l.all,
        l_first: lFirst,
        in_h: l.height,
        in_w: l.width,
        b_c: b.channels,
        b_all: b.all,
        b_first: bFirst,
        out_h: b.height,
        out_w: b.width,
        pad_h: exchanged ? g.kernelH - 1 - g.padH : g.padH,
        pad_w: exchanged ? g.kernelW - 1 - g.padW : g.padW,
        tiles_x: tilesX,
        tiles,
        all_tiles: allTiles,
        share,
        part_size: dw.size,
        part_b: b.stride,
        part_l: l.stride,
        part_tap: exchanged ? -1 : 1,
        part_first: start + (exchanged ? taps - 1 : 0),
      },
      [Math.ceil(l.channels / lanes), Math.ceil(b.channels / shader.channels), splits],
    );
  }
  reduceSplitK(parts, dw, splits);
}
