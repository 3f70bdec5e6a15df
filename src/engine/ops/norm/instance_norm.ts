import { sizeOf, type Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, checkArguments, optional } from '../arguments.ts';
import { channelsFirst, checkNormOptions, checkParameter, EPS, type NormOptions } from './check.ts';
import { planeNorm } from './plane_norm.ts';

/**
 * Instance norm of each plane: x (N, C, …) → (x − mean) / √(variance + eps) · weight + bias, with the biased variance
 * over the plane's pixels. It has no running statistics: training and evaluation are the same. Gradients of any order.
 * @param weight (C), as bias; without them nothing is scaled and shifted
 * @throws PixtapeError if shapes do not fit, or a plane has only one pixel, of which nothing would be left
 *
 * Source: Ulyanov, Vedaldi & Lempitsky 2016, "Instance Normalization"; numbers as `torch.nn.functional.instance_norm`.
 */
export function instanceNorm(x: Tensor, weight?: Tensor, bias?: Tensor, options: NormOptions = {}): Tensor {
  const op = 'instanceNorm';
  checkArguments(op, { x: aTensor, weight: optional(aTensor), bias: optional(aTensor) }, { x, weight, bias });
  checkNormOptions(op, options);
  const [batch, channels, ...rest] = channelsFirst(op, x);
  const pixels = sizeOf(rest);
  if (pixels === 1) {
    throw new PixtapeError(
      `instanceNorm: [${x.shape}] has one pixel per plane, too few for statistics`,
      'Use a larger picture, or batch norm.',
    );
  }
  checkParameter(op, 'weight', weight, [channels]);
  checkParameter(op, 'bias', bias, [channels]);
  const { eps = EPS } = options;
  const norm = { label: 'instance_norm', planes: batch * channels, pixels, per: 1, channels, perElement: false, eps };
  return planeNorm(norm, x, weight, bias);
}
