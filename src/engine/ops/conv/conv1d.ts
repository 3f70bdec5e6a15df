import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, aWholeNumber, checkArguments, checkOptions, optional } from '../arguments.ts';
import { viewOf } from '../shape/reshape.ts';
import { conv2d, convTranspose2d } from './conv2d.ts';

export interface Conv1dOptions {
  /** Default 1. */
  stride?: number;
  /** Zeros at both ends, default 0. */
  padding?: number;
  /** Steps from one tap of the kernel to the next; default 1. */
  dilation?: number;
  /** Groups of channels, each convolved separately; default 1. */
  groups?: number;
}

export interface ConvTranspose1dOptions extends Conv1dOptions {
  /** Extra steps at the end, fewer than the stride or the dilation; default 0. */
  outputPadding?: number;
}

const [fromZero, fromOne] = [optional(aWholeNumber()), optional(aWholeNumber(1))];
const RULES = { stride: fromOne, padding: fromZero, dilation: fromOne, groups: fromOne };

/**
 * 1-D convolution: x (N, C, L), weight (O, C / groups, k), bias (O) → (N, O, ⌊(L + 2·pad − dilation·(k − 1) − 1) /
 * stride⌋ + 1). It is `conv2d` on a view as pictures one pixel wide. Gradients of any order.
 * @throws PixtapeError if shapes or options do not fit. Source: as `torch.nn.functional.conv1d`.
 */
export function conv1d(x: Tensor, weight: Tensor, bias?: Tensor, options: Conv1dOptions = {}): Tensor {
  checkOptions('conv1d', RULES, options);
  const y = conv2d(asPicture('conv1d', x, 'input'), asPicture('conv1d', weight, 'weight'), bias, downwards(options));
  return viewOf(y, y.shape.slice(0, 3));
}

/**
 * 1-D transposed convolution: x (N, C, L), weight (C, O / groups, k), bias (O) →
 * (N, O, (L − 1)·stride − 2·pad + dilation·(k − 1) + 1 + outputPadding). Gradients of any order.
 * @throws PixtapeError if shapes or options do not fit. Source: as `torch.nn.functional.conv_transpose1d`.
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvTranspose1dOptions = {},
): Tensor {
  const op = 'convTranspose1d';
  checkOptions(op, { ...RULES, outputPadding: fromZero }, options);
  const { outputPadding = 0 } = options;
  const more = { ...downwards(options), outputPadding: [outputPadding, 0] as const };
  const y = convTranspose2d(asPicture(op, x, 'input'), asPicture(op, weight, 'weight'), bias, more);
  return viewOf(y, y.shape.slice(0, 3));
}

/** Puts the steps of a line below each other, because kernels reuse what they load down a column. */
function asPicture(op: string, x: Tensor, what: string): Tensor {
  checkArguments(op, { [what]: aTensor }, { [what]: x });
  if (x.shape.length === 3) return viewOf(x, [...x.shape, 1]);
  throw new PixtapeError(`${op}: the ${what} is [${x.shape}]; expected three sides`);
}

function downwards({ stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv1dOptions) {
  const down = (length: number, across: number) => [length, across] as const;
  return { stride: down(stride, 1), padding: down(padding, 0), dilation: down(dilation, 1), groups };
}
