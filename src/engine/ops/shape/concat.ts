import source from '../../../../shaders/shape/concat.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { type Backward, sameShape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aList, aTensor, checkArguments } from '../arguments.ts';
import { axisOf } from '../axes.ts';
import { planeGrid } from '../launch.ts';
import { typedSource } from '../typed.ts';
import { unsqueeze } from './reshape.ts';
import { slice } from './slice.ts';

/**
 * Joins tensors along an axis, by default their channels: (N, C₁, …), (N, C₂, …), … → (N, C₁ + C₂ + …, …), in the order
 * given. Any dtype. Gradients of any order.
 * @throws PixtapeError if there are none, or they differ in anything but the length of that axis
 */
export function concat(parts: readonly Tensor[], axis = 1): Tensor {
  checkArguments('concat', { parts: aList(aTensor) }, { parts });
  const [first] = parts;
  if (!first) throw new PixtapeError('concat: there is nothing to join');
  const at = axisOf('concat', first, axis);
  const others = ({ shape }: Tensor) => shape.map((n, k) => (k === at ? 1 : n));
  for (const part of parts) {
    if (sameShape(others(part), others(first)) && isWhole(part) === isWhole(first)) continue;
    throw new PixtapeError(
      `concat: ${first.label} is [${first.shape}], ${part.label} is [${part.shape}]`,
      `Tensors that are joined must agree in their type and in all axes but ${at}.`,
    );
  }
  const lengths = parts.map(({ shape }) => shape[at] as number);
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
  const batch = sizeOf(first.shape.slice(0, at));
  const inner = sizeOf(first.shape.slice(at + 1));
  const shape = first.shape.map((n, k) => (k === at ? lengths.reduce((a, b) => a + b, 0) : n));
  const y = isWhole(first)
    ? Tensor.temporary(first.device, shape, 'concat', first.dtype)
    : Tensor.activation(first.device, shape, 'concat');
  parts.forEach((part, i) => {
    const n = (lengths[i] as number) * inner;
    copy(part, y, { n, batch, x_start: 0, y_start: (starts[i] as number) * inner });
  });
  const backward: Backward = (dy, needs) =>
    parts.map((part, i) => {
      if (!needs[i]) return undefined;
      const dx = part.like('concat.dx');
      const n = (lengths[i] as number) * inner;
      copy(dy, dx, { n, batch, x_start: (starts[i] as number) * inner, y_start: 0 });
      return dx;
    });
  const graphBackward: Backward = (dy, needs) =>
    parts.map((_, i) => {
      const start = starts[i] as number;
      const range = { start, end: start + (lengths[i] as number) };
      return needs[i] ? slice(dy, [...Array<undefined>(at), range]) : undefined;
    });
  return differentiable(y, parts, backward, graphBackward);
}

/**
 * Joins tensors of one shape along a new axis, which has that number in the result. As `torch.stack`.
 * @throws PixtapeError if there are none, or their shapes differ
 */
export function stack(parts: readonly Tensor[], axis = 0): Tensor {
  checkArguments('stack', { parts: aList(aTensor) }, { parts });
  const [first] = parts;
  if (!first) throw new PixtapeError('stack: there is nothing to join');
  const at = axisOf('stack', { label: 'the result', shape: [...first.shape, 1] }, axis);
  const stranger = parts.find(({ shape }) => !sameShape(shape, first.shape));
  if (stranger) {
    throw new PixtapeError(
      `stack: ${first.label} is [${first.shape}], ${stranger.label} is [${stranger.shape}]`,
      'Tensors that are stacked must have one shape.',
    );
  }
  return concat(
    parts.map((part) => unsqueeze(part, at)),
    at,
  );
}

function isWhole({ dtype }: Tensor): boolean {
  return dtype === 'u32' || dtype === 'i32';
}

interface Run {
  n: number;
  batch: number;
  x_start: number;
  y_start: number;
}

function copy(x: Tensor, y: Tensor, run: Run): void {
  const strides = { x_stride: x.size / run.batch, y_stride: y.size / run.batch };
  const { params, groups } = planeGrid(x.device, 1, run.n, run.batch);
  dispatch(
    x.device.kernel('concat', typedSource(source, x.dtype), 'copy'),
    { x, y },
    { ...run, ...strides, slice: params.slice },
    groups,
  );
}
