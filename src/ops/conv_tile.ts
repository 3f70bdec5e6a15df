import tileSource from '../../shaders/conv_tile.wgsl';
import weightSource from '../../shaders/conv_tile_weight.wgsl';
import type { Device } from '../gpu/device.ts';
import type { StorageSlice } from '../gpu/storage.ts';
import { dispatch, folded } from '../tape/dispatch.ts';
import type { Tensor } from '../tape/tensor.ts';
import type { ConvGeometry } from './conv_geometry.ts';
import { addParts, partsOf } from './conv_parts.ts';
import { type WeightSlice, weightSlices } from './conv_slices.ts';

/**
 * Convolutions of stride 1 on drivers that compute on the CPU; see `shaders/conv_tile.wgsl` for how and why.
 * Every function records its dispatches into the program at hand.
 */

/** Larger kernels would need more loads in the text than a driver compiles in reasonable time. */
const LARGEST_KERNEL = 4;
/** Workgroups enough to keep the cores of a CPU busy to the end of a long reduction. */
const ENOUGH_WORKGROUPS = 32;
/** Patches summed in one go: with fewer, adding up the parts costs too much; the most bounds the rounding error. */
const SHORTEST_SHARE = 64;
const LONGEST_SHARE = 512;

/** Whether these kernels can do this convolution on this device. */
export function tileFits(device: Device, g: ConvGeometry): boolean {
  const { cpu, subgroupSize } = device.capabilities;
  const small = Math.max(g.kernelH, g.kernelW) <= LARGEST_KERNEL;
  return (
    cpu && (subgroupSize === 4 || subgroupSize === 8 || subgroupSize === 16) && small && g.strideH * g.strideW === 1
  );
}

interface Sum {
  /** (N, C, H, W): summed over. */
  x: Tensor;
  bias: Tensor | undefined;
  /** (N, O, OH, OW): the result. */
  y: Tensor;
  pad: readonly [number, number];
  kernel: readonly [number, number];
  /** Of the leaky ReLU on the way out; 1 for none. */
  slope: number;
}

/** y = conv(x, w) + bias, through a leaky ReLU where a slope is given. */
export function tileForward(
  g: ConvGeometry,
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  y: Tensor,
  slope = 1,
): void {
  const taps = g.kernelH * g.kernelW;
  const strides = { w_out: g.inC * taps, w_in: taps, w_tap: 1, w_first: 0 };
  const sum = { x, bias, y, pad: [g.padH, g.padW], kernel: [g.kernelH, g.kernelW], slope } as const;
  // One output channel's weights lie together, so a slice of w gives a slice of the channels of y.
  for (const { first, count, slice } of weightSlices(w, g.outC)) {
    record(sum, strides, slice, { inC: g.inC, inFirst: 0, outFirst: first, outC: count }, false);
  }
}

/** dx = gradient of conv's input (+ bias, for the transposed convolution). */
export function tileInputGradient(g: ConvGeometry, dy: Tensor, w: Tensor, bias: Tensor | undefined, dx: Tensor): void {
  const taps = g.kernelH * g.kernelW;
  const strides = { w_out: taps, w_in: g.inC * taps, w_tap: -1, w_first: taps - 1 };
  const pad = [g.kernelH - 1 - g.padH, g.kernelW - 1 - g.padW] as const;
  const sum = { x: dy, bias, y: dx, pad, kernel: [g.kernelH, g.kernelW], slope: 1 } as const;
  // Here the channels that a slice of w holds are summed over, so later slices add to what the first has left.
  for (const { first, count, slice } of weightSlices(w, g.outC)) {
    record(sum, strides, slice, { inC: count, inFirst: first, outFirst: 0, outC: g.inC }, first > 0);
  }
}

interface Channels {
  inC: number;
  /** The channel of x that the slice of w begins with. */
  inFirst: number;
  outFirst: number;
  outC: number;
}

function record(
  { x, bias, y, pad, kernel: [kernelH, kernelW], slope }: Sum,
  strides: { w_out: number; w_in: number; w_tap: number; w_first: number },
  slice: Tensor | StorageSlice,
  { inC, inFirst, outFirst, outC }: Channels,
  accumulate: boolean,
): void {
  const [batch = 1, allIn = 1, inH = 1, inW = 1] = x.shape;
  const [, channels = 1, outH = 1, outW = 1] = y.shape;
  const lanes = y.device.capabilities.subgroupSize;
  const [tileH, tileW] = patchFor(lanes, batch * outH * outW);
  const m = channelsAtOnce(lanes, outC);
  const kernel = y.device.kernel(`conv_tile ${kernelH}×${kernelW}`, tileSource, 'main', {
    ...constants(kernelH, kernelW, tileH, tileW, m, lanes),
  });
  const tilesX = Math.ceil(outW / tileW);
  const tiles = tilesX * Math.ceil(outH / tileH);
  dispatch(
    kernel,
    { x, w: slice, bias: bias && !accumulate ? bias : x, y },
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
      tiles_x: tilesX,
      tiles,
      all_tiles: tiles * batch,
      channels,
      first: outFirst,
      has_bias: bias && !accumulate ? 1 : 0,
      accumulate: accumulate ? 1 : 0,
      slope,
    },
    folded(Math.ceil((tiles * batch) / lanes), Math.ceil(outC / m)),
  );
}

/** dw = gradient of conv's weight. */
export function tileWeightGradient(g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): void {
  for (const run of weightSlices(dw, g.outC)) weightGradient(g, x, dy, dw, run);
}

/** The gradient of the weights of `count` output channels from `first` on, into their slice of dw. */
function weightGradient(
  g: ConvGeometry,
  x: Tensor,
  dy: Tensor,
  dw: Tensor,
  { first, count, slice }: WeightSlice,
): void {
  const { device } = dw;
  const lanes = device.capabilities.subgroupSize;
  const taps = g.kernelH * g.kernelW;
  // The lanes take the side with more channels, so that few of them idle.
  const exchanged = count > g.inC;
  const out = { t: dy, channels: count, all: g.outC, first, height: g.outH, width: g.outW, stride: g.inC * taps };
  const input = { t: x, channels: g.inC, all: g.inC, first: 0, height: g.inH, width: g.inW, stride: taps };
  const [l, b] = exchanged ? [out, input] : [input, out];
  const m = channelsAtOnce(lanes, b.channels);
  const [tileH, tileW] = patchFor(lanes, Number.POSITIVE_INFINITY);
  const tilesX = Math.ceil(b.width / tileW);
  const tiles = tilesX * Math.ceil(b.height / tileH);
  const allTiles = tiles * g.batch;
  const groups = Math.ceil(l.channels / lanes) * Math.ceil(b.channels / m);
  const whole = slice === dw;
  const wanted = Math.max(Math.ceil(ENOUGH_WORKGROUPS / groups), Math.ceil(allTiles / LONGEST_SHARE));
  const share = whole ? Math.min(allTiles, Math.max(SHORTEST_SHARE, Math.ceil(allTiles / wanted))) : allTiles;
  const splits = Math.ceil(allTiles / share);
  const parts = partsOf(dw, slice, splits);
  const kernel = device.kernel(`conv_tile_weight ${g.kernelH}×${g.kernelW}`, weightSource, 'main', {
    ...constants(g.kernelH, g.kernelW, tileH, tileW, m, lanes),
  });
  dispatch(
    kernel,
    { x: l.t, y: b.t, parts },
    {
      l_c: l.channels,
      l_all: l.all,
      l_first: l.first,
      in_h: l.height,
      in_w: l.width,
      b_c: b.channels,
      b_all: b.all,
      b_first: b.first,
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
      part_first: exchanged ? taps - 1 : 0,
    },
    [Math.ceil(l.channels / lanes), Math.ceil(b.channels / m), splits],
  );
  addParts(parts, dw, splits);
}

/** A patch of 4 × 2, or 2 × 2 where larger ones would leave lanes without work. */
function patchFor(lanes: number, positions: number): [height: number, width: number] {
  return positions >= lanes * 8 ? [2, 4] : [2, 2];
}

function channelsAtOnce(lanes: number, channels: number): number {
  const most = lanes === 4 ? 16 : 32;
  return channels <= 8 ? 8 : Math.min(most, Math.ceil(channels / 16) * 16);
}

function constants(kernelH: number, kernelW: number, tileH: number, tileW: number, m: number, lanes: number) {
  return {
    LANES: lanes,
    M: m,
    SHARES: Math.max(1, m / lanes),
    K_H: kernelH,
    K_W: kernelW,
    TAPS: kernelH * kernelW,
    TILE_H: tileH,
    TILE_W: tileW,
    PATCH: tileH * tileW,
    WIN_H: tileH + kernelH - 1,
    WIN_W: tileW + kernelW - 1,
  };
}
