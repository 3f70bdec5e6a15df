import groupedSource from '../../../../../shaders/conv/conv_grouped.wgsl';
import weightSource from '../../../../../shaders/conv/conv_grouped_weight.wgsl';
import leakyRelu from '../../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { Device } from '../../../gpu/device.ts';
import { dispatch, invocationWorkgroups, split2d } from '../../../tape/dispatch.ts';
import type { Tensor } from '../../../tape/tensor.ts';
import { type ConvAlgorithm, type ConvDirection, parseSizes } from '../algorithm.ts';
import { type ConvGeometry, weightSize } from '../geometry.ts';
import { reduceSplitK, splitKBuffer } from '../split_k.ts';

/**
 * Convolutions in groups of few channels, above all depthwise ones; and those with both stride and dilation, which no
 * other fast kernel supports. See `shaders/conv/conv_grouped.wgsl`. Every function records into the current program.
 */

const source = `${groupedSource}\n${leakyRelu}`;

/** The part of the result that one invocation computes: a vertical strip of positions, in several channels. */
export interface Strip {
  rows: number;
  channels: number;
}

/** The most rows of a window: above it most loads are wasted, or there are too many to compile in reasonable time. */
const MOST_WINDOW = 48;
/** The most bytes of partial sums of a weight gradient, over all lanes. */
const MOST_PARTS = 2 ** 26;
/** The fewest strips that a lane adds up if they are split, and the most, which bounds the rounding error. */
const LEAST_STRIPS = 8;
const MOST_STRIPS = 512;

/** `grouped ROWSxCHANNELS`: the strip. */
export const grouped: ConvAlgorithm<Strip> = {
  name: 'grouped',
  sources: [source, weightSource],
  configs(device, g, direction) {
    const both = g.strideH * g.strideW > 1 && g.dilationH * g.dilationW > 1;
    if (!(g.groups > 1 || both) || 4 * weightSize(g) > device.bindingLimit) return [];
    if (direction === 'weightGradient' && partsBytes(device, g) > Math.min(MOST_PARTS, device.bindingLimit)) return [];
    const channels = channelsAtOnce(g, direction);
    const most = 2 ** Math.ceil(Math.log2(direction === 'inputGradient' ? g.inH : g.outH));
    const heights = [...new Set([8, 4].map((rows) => Math.min(rows, most)))];
    return heights.flatMap((rows) => (windowOf(g, rows) <= MOST_WINDOW ? [{ rows, channels }] : []));
  },
  kernels: (strip) => ({
    forward: (g, x, w, bias, y, slope = 1) => {
      const taps = g.kernelH * g.kernelW;
      const into = g.inC / g.groups;
      const weights = { w_out: into * taps, w_in: taps, w_row: g.kernelW, w_tap: 1, w_first: 0 };
      multiply('forward', strip, g, { x, w, bias, y, weights, pad: [g.padH, g.padW], slope });
    },
    inputGradient: (g, dy, w, bias, dx) => {
      const taps = g.kernelH * g.kernelW;
      const into = g.inC / g.groups;
      const weights = { w_out: taps, w_in: into * taps, w_row: g.kernelW, w_tap: 1, w_first: 0 };
      const result = { x: dy, w, bias, y: dx, slope: 1 };
      if (g.strideH * g.strideW > 1) {
        multiply('strided_input_gradient', strip, g, { ...result, weights, pad: [g.padH, g.padW] });
        return;
      }
      const reversed = { ...weights, w_row: -g.kernelW, w_tap: -1, w_first: taps - 1 };
      const pad = [g.dilationH * (g.kernelH - 1) - g.padH, g.dilationW * (g.kernelW - 1) - g.padW] as const;
      multiply('forward', strip, g, { ...result, weights: reversed, pad });
    },
    weightGradient: (g, x, dy, dw) => weightGradient(strip, g, x, dy, dw),
  }),
  format: ({ rows, channels }) => `${rows}x${channels}`,
  parse(text) {
    const [rows, channels] = parseSizes(text, 2) ?? [];
    return rows && channels ? { rows, channels } : undefined;
  },
};

/** Channels of one group that share loads; one per invocation in the gradients that have no such kernel. */
function channelsAtOnce(g: ConvGeometry, direction: ConvDirection): number {
  if (direction === 'weightGradient' || (direction === 'inputGradient' && g.strideH * g.strideW > 1)) return 1;
  const channels = (direction === 'forward' ? g.outC : g.inC) / g.groups;
  return [4, 2].find((m) => channels >= m) ?? 1;
}

/** Rows of the operand that is read under a strip. */
function windowOf(g: ConvGeometry, rows: number): number {
  return (rows - 1) * g.strideH + (g.kernelH - 1) * g.dilationH + 1;
}

function constants({ lanes }: Device, g: ConvGeometry, { rows, channels }: Strip) {
  return {
    LANES: lanes,
    ROWS: rows,
    M: channels,
    K_H: g.kernelH,
    S_H: g.strideH,
    D_H: g.dilationH,
    WINDOW: windowOf(g, rows),
  };
}

interface Product {
  x: Tensor;
  w: Tensor;
  bias: Tensor | undefined;
  y: Tensor;
  /** Strides of w. */
  weights: { w_out: number; w_in: number; w_row: number; w_tap: number; w_first: number };
  pad: readonly [number, number];
  slope: number;
}

function multiply(
  entry: 'forward' | 'strided_input_gradient',
  strip: Strip,
  g: ConvGeometry,
  { x, w, bias, y, weights, pad, slope }: Product,
): void {
  const { device } = y;
  const [, inC = 1, inH = 1, inW = 1] = x.shape;
  const [batch = 1, outC = 1, outH = 1, outW = 1] = y.shape;
  const spread = entry === 'forward' ? 1 : g.strideH;
  const strips = Math.ceil(outH / (strip.rows * spread)) * spread;
  const runs = Math.ceil(outC / g.groups / strip.channels);
  const n = batch * g.groups * runs * strips * outW;
  const kernel = device.kernel(`conv_grouped.${entry} ${g.kernelH}`, source, entry, constants(device, g, strip));
  dispatch(
    kernel,
    { x, w, bias: bias ?? w, y },
    {
      n,
      in_each: inC / g.groups,
      in_h: inH,
      in_w: inW,
      out_each: outC / g.groups,
      groups: g.groups,
      out_h: outH,
      out_w: outW,
      strips,
      runs,
      kernel_h: g.kernelH,
      kernel_w: g.kernelW,
      stride_w: g.strideW,
      dilation_w: g.dilationW,
      pad_h: pad[0],
      pad_w: pad[1],
      w_group: weightSize(g) / g.groups,
      ...weights,
      has_bias: bias ? 1 : 0,
      slope,
    },
    invocationWorkgroups(device, n),
  );
}

/** Strips of the batch for one channel, their split among workgroups, and the columns of the kernel. */
function sharing({ lanes, maxUsefulWorkgroups }: Device, g: ConvGeometry, rows: number) {
  const strips = Math.ceil(g.outH / rows);
  const allStrips = g.batch * strips * g.outW;
  const columns = weightSize(g) / g.kernelH;
  const wanted = Math.max(Math.ceil(maxUsefulWorkgroups / columns), Math.ceil(allStrips / (MOST_STRIPS * lanes)));
  const share = Math.max(LEAST_STRIPS * lanes, Math.ceil(allStrips / wanted));
  return { strips, allStrips, columns, share, splits: Math.ceil(allStrips / share) };
}

function partsBytes(device: Device, g: ConvGeometry): number {
  return 4 * sharing(device, g, 4).splits * device.lanes * weightSize(g);
}

function weightGradient(strip: Strip, g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): void {
  const { device } = dw;
  const { strips, allStrips, columns, share, splits } = sharing(device, g, strip.rows);
  const parts = splitKBuffer(dw, dw, splits * device.lanes);
  const kernel = device.kernel(`conv_grouped.weight ${g.kernelH}`, weightSource, 'main', constants(device, g, strip));
  dispatch(
    kernel,
    { x, dy, parts },
    {
      batch: g.batch,
      in_each: g.inC / g.groups,
      in_h: g.inH,
      in_w: g.inW,
      out_each: g.outC / g.groups,
      groups: g.groups,
      out_h: g.outH,
      out_w: g.outW,
      kernel_w: g.kernelW,
      stride_w: g.strideW,
      dilation_w: g.dilationW,
      pad_h: g.padH,
      pad_w: g.padW,
      strips,
      all_strips: allStrips,
      share,
      columns,
      part_size: dw.size,
    },
    split2d(columns, splits),
  );
  reduceSplitK(parts, dw, splits * device.lanes);
}
