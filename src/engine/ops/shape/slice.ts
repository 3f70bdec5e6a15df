import { differentiable } from '../../tape/autograd.ts';
import type { Shape, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import {
  aList,
  aTensor,
  aWholeNumber,
  checkArguments,
  checkOptions,
  either,
  optional,
  type Rule,
} from '../arguments.ts';
import { axisOf } from '../axes.ts';
import { type AxisWindow, windowOf } from './window.ts';

/**
 * A part of an axis, as Python's `start:end:step`: negative numbers count from the end, and an omitted bound is that
 * end of the axis.
 */
export interface AxisRange {
  start?: number;
  end?: number;
  /** Not 0. A negative step goes backwards. */
  step?: number;
}

const place = optional(aWholeNumber(-Infinity));

/**
 * A part of each axis: `slice(x, [undefined, { start: 1, end: -1 }, { step: 2 }])`. Axes that are not named stay whole.
 * As indexing in NumPy, but copies. Any dtype. Gradients of any order.
 * @throws PixtapeError if nothing is left of an axis, or there are more ranges than axes
 */
export function slice(x: Tensor, ranges: readonly (AxisRange | undefined)[]): Tensor {
  const anything: Rule = { wanted: 'an object with start, end, step', fits: () => true };
  checkArguments('slice', { x: aTensor, ranges: aList(anything) }, { x, ranges });
  if (ranges.length > x.shape.length) {
    throw new PixtapeError(`slice: there are ${ranges.length} ranges for the axes of ${x.label} [${x.shape}]`);
  }
  return picked(
    x,
    x.shape.map((length, axis) => windowFor(x, axis, length, ranges[axis] ?? {})),
  );
}

/** Turns a range into a window. @throws PixtapeError if it is empty */
function windowFor(x: Tensor, axis: number, length: number, range: AxisRange): AxisWindow {
  checkOptions('slice', { start: place, end: place, step: place }, range);
  const { start, end, step = 1 } = range;
  if (step === 0) throw new PixtapeError(`slice: the step along axis ${axis} is 0`);
  const from = (n: number) => (n < 0 ? n + length : n);
  const first = step > 0 ? Math.max(from(start ?? 0), 0) : Math.min(from(start ?? length - 1), length - 1);
  const stop = step > 0 ? Math.min(from(end ?? length), length) : end === undefined ? -1 : Math.max(from(end), -1);
  const count = Math.ceil((stop - first) / step);
  if (count >= 1) return { start: first, step, length: count };
  throw new PixtapeError(
    `slice: nothing is left of axis ${axis} of ${x.label} [${x.shape}] from ${start ?? 'one end'} to ${end ?? 'the other'}`,
    undefined,
    { details: { axis, ...range } },
  );
}

function picked(x: Tensor, windows: readonly AxisWindow[]): Tensor {
  if (windows.every(({ start, step, length }, axis) => start === 0 && step === 1 && length === x.shape[axis])) return x;
  const plain = (dy: Tensor) => [spread(dy, windows, x.shape)];
  return differentiable(windowOf(x, 'pick', windows, 'slice'), [x], plain, plain);
}

/** The transpose: x at its places in a tensor of `shape` that is 0 elsewhere. */
function spread(x: Tensor, windows: readonly AxisWindow[], shape: Shape): Tensor {
  const whole = windows.map((window, axis) => ({ ...window, length: shape[axis] as number }));
  const back = (dy: Tensor) => [picked(dy, windows)];
  return differentiable(windowOf(x, 'spread', whole, 'slice.dx'), [x], back, back);
}

/**
 * Cuts an axis into pieces, in order: of `sizes` elements each, or of these sizes, which must add up to the axis's
 * length. As `torch.split`; with a single size the last piece may be shorter.
 * @throws PixtapeError if the sizes do not add up
 */
export function split(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  checkArguments('split', { x: aTensor, sizes: either(aWholeNumber(1), aList(aWholeNumber(1))) }, { x, sizes });
  const at = axisOf('split', x, axis);
  const length = x.shape[at] as number;
  const each = typeof sizes === 'number' ? Array<number>(Math.ceil(length / sizes)).fill(sizes) : sizes;
  const total = each.reduce((a, b) => a + b, 0);
  if (typeof sizes !== 'number' && total !== length) {
    throw new PixtapeError(
      `split: [${sizes}] adds up to ${total}, axis ${axis} of ${x.label} [${x.shape}] is ${length} long`,
    );
  }
  let start = 0;
  return each.map((size) => {
    const range = { start, end: start + size };
    start += size;
    return slice(x, [...Array<undefined>(at), range]);
  });
}
