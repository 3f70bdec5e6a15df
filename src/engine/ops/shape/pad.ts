import { differentiable } from '../../tape/autograd.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aList, aNumber, aTensor, aWholeNumber, checkArguments, oneOf } from '../arguments.ts';
import { slice } from './slice.ts';
import { unpad, windowOf } from './window.ts';

export type PadMode = 'constant' | 'reflect' | 'replicate';

/** Elements added before and after an axis. */
type Sides = readonly [before: number, behind: number];

/**
 * Pads a tensor, as `torch.nn.functional.pad`. `padding` has two numbers per axis, the last axis first, so that `[left,
 * right, top, bottom]` pads pictures. Negative numbers crop.
 * @param mode `constant` adds `value`; `reflect` mirrors at the edge, without repeating it; `replicate` repeats the
 *   edge
 * @throws PixtapeError if there are more numbers than axes, nothing would be left, or `reflect` reaches beyond the
 *   other edge
 *
 * Gradients of any order; none into `value`.
 */
export function pad(x: Tensor, padding: readonly number[], mode: PadMode = 'constant', value = 0): Tensor {
  const rules = {
    x: aTensor,
    padding: aList(aWholeNumber(-Infinity)),
    mode: oneOf('constant', 'reflect', 'replicate'),
    value: aNumber(),
  };
  checkArguments('pad', rules, { x, padding, mode, value });
  const rank = x.shape.length;
  const sides = x.shape.map((_, axis): Sides => {
    const at = 2 * (rank - 1 - axis);
    return [padding[at] ?? 0, padding[at + 1] ?? 0];
  });
  if (padding.length % 2 !== 0 || padding.length > 2 * rank) {
    throw new PixtapeError(`pad: [${padding}] is not two numbers for each of some axes of ${x.label} [${x.shape}]`);
  }
  sides.forEach(([before, behind], axis) => {
    const length = x.shape[axis] as number;
    const short = length + Math.min(before, 0) + Math.min(behind, 0) < 1;
    if (!short && (mode !== 'reflect' || Math.max(before, behind) < length)) return;
    throw new PixtapeError(
      `pad: ${before} and ${behind} are too many for axis ${axis} of ${x.label} [${x.shape}]`,
      mode === 'reflect' ? 'A reflection reaches no further than the other edge.' : undefined,
      { details: { axis, before, behind } },
    );
  });
  const added = sides.map(([before, behind]): Sides => [Math.max(before, 0), Math.max(behind, 0)]);
  const padded = added.every(([before, behind]) => before + behind === 0) ? x : surround(x, added, mode, value);
  if (sides.every(([before, behind]) => before >= 0 && behind >= 0)) return padded;
  // Crop afterwards, as PyTorch does: a reflection may show what is cropped at the other side.
  const cut = sides.map(([before, behind]) => ({
    start: Math.max(0, -before),
    ...(behind < 0 ? { end: behind } : {}),
  }));
  return slice(padded, cut);
}

function surround(x: Tensor, added: readonly Sides[], mode: PadMode, value: number): Tensor {
  return mode === 'constant' ? surrounded(x, added, value) : repeatedEdges(x, added, mode);
}

function windows(x: Tensor, sides: readonly Sides[]) {
  return sides.map(([before, behind], axis) => {
    return { start: before, step: 1, length: (x.shape[axis] as number) + before + behind };
  });
}

function surrounded(x: Tensor, sides: readonly Sides[], value: number): Tensor {
  const back = (dy: Tensor) => [
    slice(
      dy,
      sides.map(([before], axis) => ({ start: before, end: before + (x.shape[axis] as number) })),
    ),
  ];
  return differentiable(windowOf(x, 'spread', windows(x, sides), 'pad', value), [x], back, back);
}

function repeatedEdges(x: Tensor, sides: readonly Sides[], mode: 'reflect' | 'replicate'): Tensor {
  const back = (dy: Tensor) => [withoutEdges(dy, sides, mode)];
  return differentiable(windowOf(x, mode, windows(x, sides), 'pad'), [x], back, back);
}

/** The gradient of `repeatedEdges`, one axis at a time. */
function withoutEdges(y: Tensor, sides: readonly Sides[], mode: 'reflect' | 'replicate'): Tensor {
  let x = y;
  sides.forEach(([before, behind], axis) => {
    if (before + behind > 0) x = unpad(x, axis, (y.shape[axis] as number) - before - behind, before, mode);
  });
  const back = (dx: Tensor) => [repeatedEdges(dx, sides, mode)];
  return differentiable(x, [y], back, back);
}
