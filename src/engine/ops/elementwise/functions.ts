import absSource from '../../../../shaders/elementwise/function/abs.wgsl';
import clampSource from '../../../../shaders/elementwise/function/clamp.wgsl';
import cosSource from '../../../../shaders/elementwise/function/cos.wgsl';
import expSource from '../../../../shaders/elementwise/function/exp.wgsl';
import logSource from '../../../../shaders/elementwise/function/log.wgsl';
import rsqrtSource from '../../../../shaders/elementwise/function/rsqrt.wgsl';
import sinSource from '../../../../shaders/elementwise/function/sin.wgsl';
import sqrtSource from '../../../../shaders/elementwise/function/sqrt.wgsl';
import exponential from '../../../../shaders/elementwise/shared/exponential.wgsl';
import isNan from '../../../../shaders/elementwise/shared/is_nan.wgsl';
import trigonometry from '../../../../shaders/elementwise/shared/trigonometry.wgsl';
import { parseElementwise } from '../../tape/elementwise_text.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { aNumber, aTensor, checkArguments } from '../arguments.ts';
import { applyElementwise, unary } from './operation.ts';

/** Element-wise mathematical functions of tensors of any shape, each twice differentiable. */

/** |x|; the gradient at 0 is 0. */
export const abs = unary('abs', absSource);

/** e^x. */
export const exp = unary('exp', expSource, exponential, isNan);

/** The natural logarithm: −∞ at 0, NaN below. */
export const log = unary('log', logSource, exponential, isNan);

/** The square root, NaN below 0. */
export const sqrt = unary('sqrt', sqrtSource);

/** 1 / √x. */
export const rsqrt = unary('rsqrt', rsqrtSource);

/** The sine of x in radians, to the last digits of float32 for any finite x. */
export const sin = unary('sin', sinSource, trigonometry);

/** The cosine of x in radians, to the last digits of float32 for any finite x. */
export const cos = unary('cos', cosSource, trigonometry);

const CLAMP = /* @__PURE__ */ parseElementwise('clamp', clampSource);

/**
 * x, but at least `min` and at most `max`; if min > max, it is max. NaN stays NaN. The gradient passes where min ≤ x ≤
 * max.
 * @throws PixtapeError if a bound is not a number
 */
export function clamp(x: Tensor, min = -Infinity, max = Infinity): Tensor {
  checkArguments('clamp', { x: aTensor, min: aNumber(), max: aNumber() }, { x, min, max });
  return applyElementwise(CLAMP, { x, low: min, high: max });
}
