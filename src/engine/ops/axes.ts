import type { Shape, Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';

/** One axis, or several. Negative ones count from the last. */
export type Axes = number | readonly number[];

/**
 * An axis as a number from 0.
 * @throws PixtapeError if there is no such axis
 */
export function axisOf(operation: string, { label, shape }: { label: string; shape: Shape }, axis: number): number {
  const rank = shape.length;
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new PixtapeError(
    `${operation}: there is no axis ${String(axis)} in ${label} [${shape}]`,
    rank > 0 ? `Axes are whole numbers from 0 to ${rank - 1}, or from the last: −1 to −${rank}.` : undefined,
    { details: { operation, axis, shape } },
  );
}

/**
 * Several axes as numbers from 0, in rising order; all axes if `axes` is undefined.
 * @throws PixtapeError if one does not exist or is named twice, or the list is empty
 */
export function axesOf(operation: string, x: Tensor, axes?: Axes): number[] {
  if (axes === undefined) return x.shape.map((_, axis) => axis);
  const listed = typeof axes === 'number' ? [axes] : Array.isArray(axes) ? (axes as readonly number[]) : undefined;
  if (!listed || listed.length === 0) {
    throw new PixtapeError(`${operation}: the axes are ${listed ? '[]' : String(axes)}; expected one or a list`);
  }
  const found = listed.map((axis) => axisOf(operation, x, axis)).sort((a, b) => a - b);
  if (new Set(found).size < found.length) {
    throw new PixtapeError(`${operation}: the axes [${listed}] name one axis of [${x.shape}] twice`);
  }
  return found;
}
