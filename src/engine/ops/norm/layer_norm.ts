import { type Shape, sameShape, sizeOf, type Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aList, aTensor, aWholeNumber, checkArguments, either, optional } from '../arguments.ts';
import { checkNormOptions, checkParameter, EPS, type NormOptions } from './check.ts';
import { planeNorm } from './plane_norm.ts';

/**
 * Layer norm over the last sides: x (…, shape) → (x − mean) / √(variance + eps) · weight + bias, with the biased
 * variance over the values of those sides. Gradients of any order.
 * @param shape the normalised sides, the last of x; or the length of the only one
 * @param weight of that shape, as bias; without them nothing is scaled and shifted
 * @throws PixtapeError if x does not end in these sides, or weight or bias has others
 *
 * Source: Ba, Kiros & Hinton 2016, "Layer Normalization"; numbers as `torch.nn.functional.layer_norm`.
 */
export function layerNorm(
  x: Tensor,
  shape: number | Shape,
  weight?: Tensor,
  bias?: Tensor,
  options: NormOptions = {},
): Tensor {
  const op = 'layerNorm';
  const side = aWholeNumber(1);
  const rules = { x: aTensor, shape: either(side, aList(side)), weight: optional(aTensor), bias: optional(aTensor) };
  checkArguments(op, rules, { x, shape, weight, bias });
  checkNormOptions(op, options);
  const sides = typeof shape === 'number' ? [shape] : shape;
  const rest = x.shape.length - sides.length;
  if (sides.length === 0 || rest < 0 || !sameShape(x.shape.slice(rest), sides)) {
    throw new PixtapeError(`${op}: [${x.shape}] does not end in the sides [${sides}] that are to be normalised`);
  }
  checkParameter(op, 'weight', weight, sides);
  checkParameter(op, 'bias', bias, sides);
  const { eps = EPS } = options;
  const pixels = sizeOf(sides);
  const norm = { label: 'layer_norm', planes: x.size / pixels, pixels, per: 1, channels: 1, perElement: true, eps };
  return planeNorm(norm, x, weight, bias);
}
