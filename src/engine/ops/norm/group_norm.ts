import { sizeOf, type Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, aWholeNumber, checkArguments, optional } from '../arguments.ts';
import { channelsFirst, checkNormOptions, checkParameter, EPS, type NormOptions } from './check.ts';
import { planeNorm } from './plane_norm.ts';

/**
 * Group norm of each group of adjacent channels of each picture: x (N, C, …) → (x − mean) / √(variance + eps) · weight
 * + bias, with the biased variance over the group's channels and pixels. Gradients of any order.
 * @param groups their number, a divisor of C; 1 normalises whole pictures
 * @param weight (C), as bias; without them nothing is scaled and shifted
 * @throws PixtapeError if shapes do not fit, or C is not a multiple of groups
 *
 * Source: Wu & He 2018, "Group Normalization"; numbers as `torch.nn.functional.group_norm`.
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  weight?: Tensor,
  bias?: Tensor,
  options: NormOptions = {},
): Tensor {
  const op = 'groupNorm';
  const rules = { x: aTensor, groups: aWholeNumber(1), weight: optional(aTensor), bias: optional(aTensor) };
  checkArguments(op, rules, { x, groups, weight, bias });
  checkNormOptions(op, options);
  const [batch, channels, ...rest] = channelsFirst(op, x);
  if (channels % groups !== 0) {
    throw new PixtapeError(`${op}: [${x.shape}] has ${channels} channels, not a multiple of groups ${groups}`);
  }
  checkParameter(op, 'weight', weight, [channels]);
  checkParameter(op, 'bias', bias, [channels]);
  const { eps = EPS } = options;
  const planes = batch * channels;
  const norm = {
    label: 'group_norm',
    planes,
    pixels: sizeOf(rest),
    per: channels / groups,
    channels,
    perElement: false,
    eps,
  };
  return planeNorm(norm, x, weight, bias);
}
