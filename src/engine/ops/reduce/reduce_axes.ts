import sumFold from '../../../../shaders/reduce/fold/sum.wgsl';
import source from '../../../../shaders/reduce/reduce_axis.wgsl';
import type { Dtype } from '../../gpu/storage.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { sizeOf, Tensor } from '../../tape/tensor.ts';
import { type Around, aroundRuns, cut } from './cut.ts';

/**
 * A text of shaders/reduce/fold/ with its name, and the text that merges the results of its passes: by default itself.
 */
export interface Fold {
  name: string;
  text: string;
  next?: Fold;
}

export const SUM: Fold = { name: 'sum', text: sumFold };

interface Finish {
  label: string;
  /** The factor of the result. */
  factor: number;
  dtype: Dtype;
}

/**
 * Records the fold over some axes, which keep length 1, times a factor. Nothing on the tape.
 * @param axes whole numbers from 0, each once
 * @param dtype the result's
 */
export function reduceAxes(
  fold: Fold,
  x: Tensor,
  axes: readonly number[],
  { label, factor = 1, dtype = 'f32' }: { label: string; factor?: number; dtype?: Dtype },
): Tensor {
  const runs = aroundRuns(x.shape, axes);
  let from = x;
  runs.forEach(({ around, shape }, i) => {
    const last = i === runs.length - 1;
    const finish: Finish = { label, factor: last ? factor : 1, dtype: last ? dtype : 'f32' };
    from = reduceOne(i === 0 ? fold : (fold.next ?? fold), from, around, shape, finish);
  });
  return from;
}

function reduceOne(
  fold: Fold,
  x: Tensor,
  { outer, length, inner }: Around,
  shape: readonly number[],
  finish: Finish,
): Tensor {
  const { device } = x;
  const { entry, slice, parts, left } = cut(device, { outer, length, inner });
  const kernel = device.kernel(`${fold.name}.${entry}`, `${source}\n${fold.text}`, entry);
  const y =
    left === 1
      ? Tensor.temporary(device, shape, finish.label, finish.dtype)
      : Tensor.temporary(device, [outer, left, inner], `${finish.label}.parts`);
  const n = outer * parts * inner;
  const params = { n, length, inner, slice, parts, factor: left === 1 ? finish.factor : 1 };
  dispatchElements(kernel, { x, y }, params, entry === 'rows' ? n * device.lanes : n);
  return left === 1 ? y : reduceOne(fold.next ?? fold, y, { outer, length: left, inner }, shape, finish);
}

/** The shape without these axes, or [1] if none is left. */
export function withoutAxes(shape: readonly number[], axes: readonly number[]): number[] {
  const rest = shape.filter((_, axis) => !axes.includes(axis));
  return rest.length > 0 ? rest : [1];
}

/** Whether these are all axes longer than 1, so that one value is left. */
export function isWhole({ shape }: Tensor, axes: readonly number[]): boolean {
  return sizeOf(shape.filter((_, axis) => !axes.includes(axis))) === 1;
}
