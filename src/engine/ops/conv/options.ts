import type { Shape, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aNumber, aTensor, aWholeNumber, checkArguments, checkOptions, optional } from '../arguments.ts';
import { aPair, type Pair, pairOf } from '../pair.ts';
import { type ConvGeometry, positions } from './geometry.ts';

export interface Conv2dOptions {
  /** Default 1. */
  stride?: Pair;
  /** Zeros around the picture, default 0. */
  padding?: Pair;
  /** Pixels from one tap of the kernel to the next; default 1. */
  dilation?: Pair;
  /** Groups of channels, each convolved separately; default 1. As many as channels make a depthwise convolution. */
  groups?: number;
}

export interface Conv2dActivation {
  /** Slope of a leaky ReLU on the result, in the same pass, which saves reading and writing the result again. */
  slope?: number;
}

export interface ConvTranspose2dOptions extends Conv2dOptions {
  /** Extra rows and columns at the end, fewer than the stride or the dilation; default 0. */
  outputPadding?: Pair;
}

const [fromZero, fromOne] = [optional(aPair(aWholeNumber())), optional(aPair(aWholeNumber(1)))];
const COMMON = { stride: fromOne, padding: fromZero, dilation: fromOne, groups: optional(aWholeNumber(1)) };
/** The rules of a convolution's options. */
export const CONV_OPTIONS = { ...COMMON, slope: optional(aNumber({ least: 0, finite: true })) };
/** The rules of a transposed convolution's options. */
export const TRANSPOSED_OPTIONS = { ...COMMON, outputPadding: fromZero };

/** The sizes of the convolution of x by weight. @throws PixtapeError that names the operation and what does not fit */
export function convGeometry(
  op: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: Conv2dOptions & Conv2dActivation,
): ConvGeometry {
  checkTensors(op, x, weight, bias);
  checkOptions(op, CONV_OPTIONS, options);
  const [batch, inC, inH, inW] = fourSides(op, x.shape, 'input');
  const kernel = fourSides(op, weight.shape, 'weight');
  const [outC, wc, kernelH, kernelW] = kernel;
  const rest = { ...sidesOf(options), kernelH, kernelW };
  const { groups } = rest;
  if (inC !== wc * groups) {
    throw new PixtapeError(
      `${op}: the input [${x.shape}] has ${inC} channels, the weight [${weight.shape}] takes ${wc}${inGroups(groups)}`,
    );
  }
  if (outC % groups !== 0) {
    throw new PixtapeError(
      `${op}: the weight [${weight.shape}] gives ${outC} channels, not a multiple of groups ${groups}`,
    );
  }
  checkBias(op, bias, outC);
  const outH = positions(inH, kernelH, rest.strideH, rest.padH, rest.dilationH);
  const outW = positions(inW, kernelW, rest.strideW, rest.padW, rest.dilationW);
  if (outH < 1 || outW < 1) {
    const spread = rest.dilationH * rest.dilationW > 1 ? `, dilation ${rest.dilationW}, ${rest.dilationH},` : '';
    throw new PixtapeError(
      `${op}: the ${kernelW} × ${kernelH} kernel${spread} is larger than the padded input [${x.shape}], ` +
        `padding ${rest.padW}, ${rest.padH}`,
    );
  }
  return { batch, inC, inH, inW, outC, outH, outW, ...rest };
}

/**
 * The sizes of the convolution whose input gradient is the transposed convolution of x by weight: its output is x, and
 * its input the result.
 * @throws PixtapeError that names the operation and what does not fit
 */
export function transposedGeometry(
  op: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: ConvTranspose2dOptions,
): ConvGeometry {
  checkTensors(op, x, weight, bias);
  checkOptions(op, TRANSPOSED_OPTIONS, options);
  const [batch, outC, outH, outW] = fourSides(op, x.shape, 'input');
  const [wc, each, kernelH, kernelW] = fourSides(op, weight.shape, 'weight');
  const rest = { ...sidesOf(options), kernelH, kernelW };
  const { strideH, strideW, padH, padW, dilationH, dilationW, groups } = rest;
  const [moreH, moreW] = pairOf(options.outputPadding ?? 0);
  if (outC !== wc) {
    throw new PixtapeError(
      `${op}: the input [${x.shape}] has ${outC} channels, the weight [${weight.shape}] takes ${wc}`,
    );
  }
  if (outC % groups !== 0) {
    throw new PixtapeError(`${op}: the input [${x.shape}] has ${outC} channels, not a multiple of groups ${groups}`);
  }
  if (moreH >= Math.max(strideH, dilationH) || moreW >= Math.max(strideW, dilationW)) {
    throw new PixtapeError(
      `${op}: outputPadding ${moreH}, ${moreW} must be less than the stride ${strideH}, ${strideW}` +
        (dilationH * dilationW > 1 ? ` or the dilation ${dilationH}, ${dilationW}` : ''),
    );
  }
  const inC = each * groups;
  checkBias(op, bias, inC);
  const inH = (outH - 1) * strideH - 2 * padH + dilationH * (kernelH - 1) + 1 + moreH;
  const inW = (outW - 1) * strideW - 2 * padW + dilationW * (kernelW - 1) + 1 + moreW;
  if (inH < 1 || inW < 1) throw new PixtapeError(`${op}: the result of [${x.shape}] would be ${inW} × ${inH}`);
  return { batch, inC, inH, inW, outC, outH, outW, ...rest };
}

function sidesOf({ stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv2dOptions) {
  const [strideH, strideW] = pairOf(stride);
  const [padH, padW] = pairOf(padding);
  const [dilationH, dilationW] = pairOf(dilation);
  return { strideH, strideW, padH, padW, dilationH, dilationW, groups };
}

function fourSides(op: string, shape: Shape, what: string): [number, number, number, number] {
  if (shape.length !== 4) throw new PixtapeError(`${op}: the ${what} is [${shape}]; expected four sides`);
  return shape as unknown as [number, number, number, number];
}

function checkTensors(op: string, x: Tensor, weight: Tensor, bias: Tensor | undefined): void {
  checkArguments(op, { x: aTensor, weight: aTensor, bias: optional(aTensor) }, { x, weight, bias });
}

function checkBias(op: string, bias: Tensor | undefined, channels: number): void {
  if (!bias || (bias.shape.length === 1 && bias.size === channels)) return;
  throw new PixtapeError(`${op}: the bias is [${bias.shape}]; expected ${channels} values`);
}

const inGroups = (groups: number): string => (groups === 1 ? '' : ` in each of ${groups} groups`);
