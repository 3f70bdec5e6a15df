import source from '../../../../shaders/shape/permute.wgsl';
import tiledSource from '../../../../shaders/shape/permute_tiled.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { type Shape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aList, aTensor, aWholeNumber, checkArguments } from '../arguments.ts';
import { axisOf } from '../axes.ts';
import { typedSource } from '../typed.ts';

const TILE = 32;
/** If one side is shorter than this, most of a tile would stay empty. */
const LEAST_TILED = TILE / 2;
const MOST_GROUPS = 65535;
/** Axes that the kernels support. */
const MOST_AXES = 4;
/** Minimum elements that one invocation copies. */
const LEAST_RUN = 16;

/**
 * Reorders the axes, as `torch.permute`: axis i of the result is axis `axes[i]` of x. If only axes of length 1 move,
 * nothing is copied, and the result shares x's memory. Any dtype. Gradients of any order.
 * @throws PixtapeError if `axes` does not name each axis of x once
 */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  checkArguments('permute', { x: aTensor, axes: aList(aWholeNumber(-Infinity)) }, { x, axes });
  const order = axes.map((axis) => axisOf('permute', x, axis));
  if (order.length !== x.shape.length || new Set(order).size !== order.length) {
    throw new PixtapeError(`permute: [${axes}] is not a permutation of the axes of ${x.label} [${x.shape}]`);
  }
  const back = (dy: Tensor) => [
    permute(
      dy,
      order.map((_, i) => order.indexOf(i)),
    ),
  ];
  return differentiable(permuted(x, order), [x], back, back);
}

/** Exchanges two axes, as `torch.transpose`. @throws PixtapeError if one of them does not exist */
export function transpose(x: Tensor, first: number, second: number): Tensor {
  checkArguments('transpose', { x: aTensor }, { x });
  const [a, b] = [axisOf('transpose', x, first), axisOf('transpose', x, second)];
  return permute(
    x,
    x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  );
}

/** The transpose of a matrix: (R, C) → (C, R). @throws PixtapeError if x is not a matrix */
export function transpose2d(x: Tensor): Tensor {
  checkArguments('transpose2d', { x: aTensor }, { x });
  if (x.shape.length !== 2) throw new PixtapeError(`transpose2d: [${x.shape}] is not a matrix`);
  return permute(x, [1, 0]);
}

/** An axis of the result: its length, and the distance between its neighbours in the source and in the result. */
interface Axis {
  length: number;
  from: number;
  to: number;
}

function permuted(x: Tensor, axes: readonly number[]): Tensor {
  const shape = axes.map((axis) => x.shape[axis] as number);
  const merged = mergeAxes(x.shape, axes);
  if (merged.length <= 1) return new Tensor(x.device, shape, x.storage);
  if (merged.length > MOST_AXES) return movedOneByOne(x, axes);
  const y = Tensor.temporary(x.device, shape, 'permute', x.dtype);
  const one = { length: 1, from: 0, to: 0 };
  const [a, b, c, d] = [one, one, ...merged].slice(-4) as [Axis, Axis, Axis, Axis];
  const fast = [a, b, c].find((axis) => axis.from === 1) ?? c;
  const others = [a, b, c].filter((axis) => axis !== fast) as [Axis, Axis];
  if (fast.from === 1 && paysInTiles(x, fast, d)) tiled(x, y, fast, d, others);
  else walked(x, y, fast, d, others);
  return y;
}

/**
 * For more moving axes than the kernels support: moves one axis after the other into its place. Each step has at most
 * four runs of axes: those in place, those passed over, the one that moves, and the rest.
 */
function movedOneByOne(x: Tensor, axes: readonly number[]): Tensor {
  const now = x.shape.map((_, axis) => axis);
  let y = x;
  axes.forEach((axis, to) => {
    const from = now.indexOf(axis);
    if (from === to) return;
    const step = now.map((_, k) => k);
    step.splice(to, 0, ...step.splice(from, 1));
    now.splice(to, 0, ...now.splice(from, 1));
    y = permuted(y, step);
  });
  return y;
}

/**
 * Tiles are for GPUs, which fetch whole cache lines for a group of lanes. A CPU driver loads lane by lane and pays for
 * barriers: there the plain kernel was 2 (lavapipe) to 30 times (SwiftShader) faster on a 2048 × 1024 transpose.
 */
function paysInTiles({ device }: Tensor, fast: Axis, last: Axis): boolean {
  const sides = [fast.length, last.length];
  return !device.capabilities.cpu && sides.every((side) => side >= LEAST_TILED && side <= TILE * MOST_GROUPS);
}

/** The result's axes, without those of length 1. Axes that are adjacent in both tensors are merged. */
function mergeAxes(from: Shape, axes: readonly number[]): Axis[] {
  const merged: (Axis & { source: number })[] = [];
  const kept = axes.filter((axis) => from[axis] !== 1);
  const order = [...kept].sort((a, b) => a - b);
  for (const axis of kept) {
    const length = from[axis] as number;
    const stride = sizeOf(from.slice(axis + 1));
    const before = merged.at(-1);
    if (before && order.indexOf(axis) === order.indexOf(before.source) + 1) {
      Object.assign(before, { length: before.length * length, from: stride, source: axis });
    } else merged.push({ length, from: stride, to: 0, source: axis });
  }
  let stride = 1;
  for (const axis of merged.reverse()) {
    axis.to = stride;
    stride *= axis.length;
  }
  return merged.reverse();
}

/**
 * Lanes either read neighbours (lanes along `fast`) or write neighbours (lanes along `last`). On the other side their
 * addresses are far apart; the closer they are, the more lanes share a cache line. An axis too short to occupy every
 * lane is excluded.
 */
function walked(x: Tensor, y: Tensor, fast: Axis, last: Axis, [outer, inner]: readonly [Axis, Axis]): void {
  const short = (axis: Axis) => axis.length < LEAST_TILED;
  const alongFast = short(fast) === short(last) ? fast.to < last.from : short(last);
  const [lanes, run] = alongFast ? [fast, last] : [last, fast];
  const across = Math.min(Math.ceil(lanes.length / x.device.lanes), MOST_GROUPS);
  const rest = planesOf(outer, inner);
  const deep = Math.min(rest.planes, MOST_GROUPS);
  const wanted = Math.max(1, Math.floor(x.device.maxUsefulWorkgroups / across / deep));
  const slice = Math.max(LEAST_RUN, Math.ceil(run.length / wanted));
  const params = {
    lanes: lanes.length,
    run: run.length,
    slice,
    x_lane: lanes.from,
    y_lane: lanes.to,
    x_run: run.from,
    y_run: run.to,
    ...rest,
  };
  dispatch(x.device.kernel('permute', typedSource(source, x.dtype)), { x, y }, params, [
    across,
    Math.ceil(run.length / slice),
    deep,
  ]);
}

/** The two axes that are not walked, as parameters of both kernels. */
function planesOf(outer: Axis, inner: Axis) {
  return {
    planes: outer.length * inner.length,
    inner: inner.length,
    x_outer: outer.from,
    x_inner: inner.from,
    y_outer: outer.to,
    y_inner: inner.to,
  };
}

function tiled(x: Tensor, y: Tensor, fast: Axis, last: Axis, [outer, inner]: readonly [Axis, Axis]): void {
  const params = {
    fast: fast.length,
    last: last.length,
    x_last: last.from,
    y_fast: fast.to,
    ...planesOf(outer, inner),
  };
  const tiles = [Math.ceil(fast.length / TILE), Math.ceil(last.length / TILE)] as const;
  dispatch(x.device.kernel('permute.tiled', typedSource(tiledSource, x.dtype)), { x, y }, params, [
    ...tiles,
    Math.min(params.planes, MOST_GROUPS),
  ]);
}
