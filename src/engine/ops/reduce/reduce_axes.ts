import sumFold from '../../../../shaders/reduce/fold/sum.wgsl';
import source from '../../../../shaders/reduce/reduce_axis.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Dtype } from '../../gpu/storage.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { type Shape, sizeOf, Tensor } from '../../tape/tensor.ts';

/** A text of shaders/reduce/fold/ with its name; and the one that joins what its passes found, by default itself. */
export interface Fold {
  name: string;
  text: string;
  next?: Fold;
}

export const SUM: Fold = { name: 'sum', text: sumFold };

/** The most elements that one invocation folds, and the fewest of a part. */
const MOST_EACH = 4096;
const LEAST_EACH = 64;

/** A tensor around one axis. */
interface Around {
  outer: number;
  length: number;
  inner: number;
}

/**
 * Records the fold over some axes, which stay with length 1, times a factor. Nothing on the tape.
 * @param axes whole numbers from 0, each once
 * @param dtype what the result is stored as
 */
export function reduceAxes(
  fold: Fold,
  x: Tensor,
  axes: readonly number[],
  { label, factor = 1, dtype = 'f32' }: { label: string; factor?: number; dtype?: Dtype },
): Tensor {
  let shape = [...x.shape];
  let from = x;
  let pending = fold;
  const groups = runsOf(x.shape, axes);
  // The longest first, for all that comes after works on what it leaves.
  groups.sort((a, b) => sizeOf(x.shape.slice(b.first, b.end)) - sizeOf(x.shape.slice(a.first, a.end)));
  groups.forEach(({ first, end }, i) => {
    const around = {
      outer: sizeOf(shape.slice(0, first)),
      length: sizeOf(shape.slice(first, end)),
      inner: sizeOf(shape.slice(end)),
    };
    const last = i === groups.length - 1;
    shape = shape.map((n, axis) => (axis >= first && axis < end ? 1 : n));
    from = reduceOne(pending, from, around, shape, { label, factor: last ? factor : 1, dtype: last ? dtype : 'f32' });
    pending = fold.next ?? fold;
  });
  return from;
}

/** The axes that are reduced as runs of neighbours; those of length 1 join any. At least one run. */
function runsOf(shape: Shape, axes: readonly number[]): { first: number; end: number }[] {
  const runs: { first: number; end: number }[] = [];
  shape.forEach((length, axis) => {
    if (length === 1 || !axes.includes(axis)) return;
    const before = runs.at(-1);
    if (before && shape.slice(before.end, axis).every((n) => n === 1)) before.end = axis + 1;
    else runs.push({ first: axis, end: axis + 1 });
  });
  return runs.length > 0 ? runs : [{ first: 0, end: 0 }];
}

function reduceOne(
  fold: Fold,
  x: Tensor,
  { outer, length, inner }: Around,
  shape: Shape,
  { label, factor, dtype }: { label: string; factor: number; dtype: Dtype },
): Tensor {
  const { device } = x;
  const pass = cut(device, outer, length, inner);
  const kernel = device.kernel(`${fold.name}.${pass.entry}`, `${source}\n${fold.text}`, pass.entry);
  const left = pass.entry === 'rows' ? pass.parts * device.lanes : pass.parts;
  const y = left === 1 ? Tensor.temporary(device, shape, label, dtype) : undefined;
  const into = y ?? Tensor.temporary(device, [outer, left, inner], `${label}.parts`);
  const n = outer * pass.parts * inner;
  const params = { n, length, inner, slice: pass.slice, parts: pass.parts, factor: y ? factor : 1 };
  dispatchElements(kernel, { x, y: into }, params, pass.entry === 'rows' ? n * device.lanes : n);
  if (y) return y;
  return reduceOne(fold.next ?? fold, into, { outer, length: left, inner }, shape, { label, factor, dtype });
}

/** How one pass cuts up the axis: into enough parts to keep the device busy, none of them long. */
function cut({ lanes, maxUsefulWorkgroups }: Device, outer: number, length: number, inner: number) {
  const asRows = inner === 1 && length > 4 * lanes;
  const each = asRows ? lanes : 1;
  const wanted = Math.ceil((maxUsefulWorkgroups * lanes) / (outer * inner * each));
  const most = Math.max(1, Math.floor(length / (LEAST_EACH * each)));
  const parts = Math.max(Math.min(wanted, most), Math.ceil(length / (MOST_EACH * each)));
  const slice = Math.ceil(length / parts);
  return { entry: asRows ? 'rows' : 'columns', slice, parts: Math.ceil(length / slice) } as const;
}
