import divSource from '../../../../shaders/elementwise/arithmetic/div.wgsl';
import maximumSource from '../../../../shaders/elementwise/arithmetic/maximum.wgsl';
import minimumSource from '../../../../shaders/elementwise/arithmetic/minimum.wgsl';
import mulSource from '../../../../shaders/elementwise/arithmetic/mul.wgsl';
import negSource from '../../../../shaders/elementwise/arithmetic/neg.wgsl';
import subSource from '../../../../shaders/elementwise/arithmetic/sub.wgsl';
import powSource from '../../../../shaders/elementwise/function/pow.wgsl';
import exponential from '../../../../shaders/elementwise/shared/exponential.wgsl';
import isNan from '../../../../shaders/elementwise/shared/is_nan.wgsl';
import { ADD, SCALE } from '../../tape/primitives.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { aNumber, aTensor, checkArguments } from '../arguments.ts';
import { applyElementwise, binary, binaryOf, unary } from './operation.ts';

/**
 * Element-wise arithmetic. Two tensors are broadcast as in PyTorch: axes are counted from the last, and the tensor is
 * repeated along an axis that is missing or 1 long; its gradient is summed along that axis. Either operand may be a
 * number, which is fixed when the program is recorded. All are twice differentiable. `add`, `sub`, `mul`, `maximum` and
 * `minimum` also take whole numbers (u32, i32), both of one type, without gradients.
 */

/** a + b. */
export const add = binaryOf(ADD);

/** a − b. */
export const sub = binary('sub', subSource);

/** a · b; `mul(x, x)` is the square. */
export const mul = binary('mul', mulSource);

/** a / b. */
export const div = binary('div', divSource);

/**
 * a to the power of b. Whole exponents up to 64 are multiplied out. A negative base with a fractional exponent gives
 * NaN.
 */
export const pow = binary('pow', powSource, exponential, isNan);

/** The larger of a and b, NaN if either is. Equal operands get half the gradient each. */
export const maximum = binary('maximum', maximumSource);

/** The smaller of a and b, NaN if either is. Equal operands get half the gradient each. */
export const minimum = binary('minimum', minimumSource);

/** −x. */
export const neg = unary('neg', negSource);

/**
 * A tensor times one number, which is fixed when the program is recorded. As `mul`, but for finite numbers only.
 * @throws PixtapeError if the factor is not finite
 */
export function scale(x: Tensor, factor: number): Tensor {
  checkArguments('scale', { x: aTensor, factor: aNumber({ finite: true }) }, { x, factor });
  return applyElementwise(SCALE, { x, factor });
}
