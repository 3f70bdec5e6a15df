import type { Device } from '../../gpu/device.ts';
import { type Shape, sizeOf } from '../../tape/tensor.ts';

/** A tensor's sizes before, along and after an axis, or several adjacent ones. */
export interface Around {
  outer: number;
  length: number;
  inner: number;
}

/** The most elements that one invocation folds, and the fewest of a part. */
const MOST_EACH = 4096;
const LEAST_EACH = 64;

/**
 * How one pass along an axis cuts it: into enough parts to keep the device busy, none of them long. With `rows` a
 * workgroup's lanes share each part, and each leaves a value. `left` is the axis's length after the pass.
 */
export function cut({ lanes, maxUsefulWorkgroups }: Device, { outer, length, inner }: Around) {
  const entry = inner === 1 && length > 4 * lanes ? 'rows' : 'columns';
  const each = entry === 'rows' ? lanes : 1;
  const wanted = Math.ceil((maxUsefulWorkgroups * lanes) / (outer * inner * each));
  const most = Math.max(1, Math.floor(length / (LEAST_EACH * each)));
  const least = Math.ceil(length / (MOST_EACH * each));
  const slice = Math.ceil(length / Math.max(Math.min(wanted, most), least));
  const parts = Math.ceil(length / slice);
  return { entry, slice, parts, left: parts * each } as const;
}

/**
 * The passes that fold these axes, one run of adjacent axes after the other, the longest first, because all later
 * passes work on what it leaves. Each has the sizes around its axis and the shape that it leaves. At least one.
 */
export function aroundRuns(shape: Shape, axes: readonly number[]): { around: Around; shape: Shape }[] {
  const runs: { first: number; end: number }[] = [];
  shape.forEach((length, axis) => {
    if (length === 1 || !axes.includes(axis)) return;
    const before = runs.at(-1);
    if (before && shape.slice(before.end, axis).every((n) => n === 1)) before.end = axis + 1;
    else runs.push({ first: axis, end: axis + 1 });
  });
  if (runs.length === 0) runs.push({ first: 0, end: 0 });
  const lengthOf = ({ first, end }: { first: number; end: number }) => sizeOf(shape.slice(first, end));
  runs.sort((a, b) => lengthOf(b) - lengthOf(a));
  let now = [...shape];
  return runs.map(({ first, end }) => {
    const around = {
      outer: sizeOf(now.slice(0, first)),
      length: sizeOf(now.slice(first, end)),
      inner: sizeOf(now.slice(end)),
    };
    now = now.map((n, axis) => (axis >= first && axis < end ? 1 : n));
    return { around, shape: now };
  });
}
