import { PixtapeError } from '../util/errors.ts';
import { type Shape, sizeOf } from './tensor.ts';

/**
 * The shape that tensors are broadcast to, as in NumPy and PyTorch: axes are counted from the last, and one that is
 * missing or 1 long is repeated.
 * @throws PixtapeError if an axis has two lengths that are not 1
 */
export function broadcastShape(name: string, tensors: readonly { label: string; shape: Shape }[]): number[] {
  const rank = Math.max(0, ...tensors.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const lengths = tensors.map(({ shape }) => shape[axis - rank + shape.length] ?? 1);
    const length = lengths.find((n) => n !== 1) ?? 1;
    if (lengths.every((n) => n === 1 || n === length)) return length;
    throw new PixtapeError(
      `${name}: ${tensors.map(({ label, shape }) => `${label} is [${shape}]`).join(', ')}`,
      'Counted from the last, each axis must be equally long in all of them, or 1, along which a tensor is repeated.',
      { details: { shapes: tensors.map(({ shape }) => shape) } },
    );
  });
}

/** An axis of the result, or several that are adjacent in every operand. */
export interface BroadcastAxis {
  length: number;
  /** The distance between an operand's neighbours along it; 0 if the operand is repeated. */
  strides: readonly number[];
}

/** The axes along which operands of these shapes go through `shape`: merged where possible, and none of length 1. */
export function mergedAxes(shape: Shape, operands: readonly Shape[]): BroadcastAxis[] {
  const axes = shape.map((length, axis) => ({
    length,
    strides: operands.map((operand) => {
      const own = axis - shape.length + operand.length;
      return (operand[own] ?? 1) === 1 ? 0 : sizeOf(operand.slice(own + 1));
    }),
  }));
  const merged: BroadcastAxis[] = [];
  for (const axis of axes) {
    if (axis.length === 1) continue;
    const before = merged.at(-1);
    if (before?.strides.every((stride, i) => stride === (axis.strides[i] as number) * axis.length)) {
      merged[merged.length - 1] = { length: before.length * axis.length, strides: axis.strides };
    } else merged.push(axis);
  }
  return merged;
}
