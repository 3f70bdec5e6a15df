import equalSource from '../../../../shaders/elementwise/compare/equal.wgsl';
import greaterSource from '../../../../shaders/elementwise/compare/greater.wgsl';
import greaterEqualSource from '../../../../shaders/elementwise/compare/greater_equal.wgsl';
import lessSource from '../../../../shaders/elementwise/compare/less.wgsl';
import lessEqualSource from '../../../../shaders/elementwise/compare/less_equal.wgsl';
import notEqualSource from '../../../../shaders/elementwise/compare/not_equal.wgsl';
import whereSource from '../../../../shaders/elementwise/compare/where.wgsl';
import { parseElementwise } from '../../tape/elementwise_text.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { aNumber, aTensor, checkArguments, either } from '../arguments.ts';
import { applyElementwise, binary } from './operation.ts';

/**
 * Element-wise comparisons of tensors, which are broadcast, or of a tensor and a number. The result is 1 where the
 * comparison holds and 0 elsewhere, as floats, so that `mean(eq(a, b))` is the share of equals and `mul` masks. It has
 * no gradient. Whole numbers (u32, i32, both of one type) are compared exactly. With NaN only `ne` holds.
 */

/** a = b. */
export const eq = binary('eq', equalSource);

/** a ≠ b. */
export const ne = binary('ne', notEqualSource);

/** a < b. */
export const lt = binary('lt', lessSource);

/** a ≤ b. */
export const le = binary('le', lessEqualSource);

/** a > b. */
export const gt = binary('gt', greaterSource);

/** a ≥ b. */
export const ge = binary('ge', greaterEqualSource);

const WHERE = /* @__PURE__ */ parseElementwise('where', whereSource);

/**
 * a where the condition is not 0, b elsewhere. All three are broadcast; a and b may be numbers or tensors of whole
 * numbers. The gradient flows to the side that was taken: a NaN on the other side does no harm.
 * @param condition floats, such as the result of a comparison
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  const value = either(aTensor, aNumber());
  checkArguments('where', { condition: aTensor, a: value, b: value }, { condition, a, b });
  return applyElementwise(WHERE, { condition, a, b });
}
