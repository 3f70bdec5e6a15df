import source from '../../../../shaders/shape/concat.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { sameShape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { planeGrid } from '../launch.ts';

/**
 * Joins tensors on their channels: (N, C₁, …), (N, C₂, …), … → (N, C₁ + C₂ + …, …), in the order given.
 * @throws PixtapeError if there are none, or they differ in anything but the number of channels
 */
export function concat(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (!first) throw new PixtapeError('concat: there is nothing to join');
  const [batch = 1, , ...plane] = first.shape;
  for (const part of parts) {
    const [n, , ...rest] = part.shape;
    if (part.shape.length >= 2 && n === batch && sameShape(rest, plane)) continue;
    throw new PixtapeError(
      `concat: ${first.label} is [${first.shape}], ${part.label} is [${part.shape}]`,
      'Tensors joined on channels must be (N, C, …) and agree in all sides but C.',
    );
  }
  const pixels = sizeOf(plane);
  const runs = parts.map((part) => part.size / batch);
  const starts = runs.map((_, i) => runs.slice(0, i).reduce((a, b) => a + b, 0));
  const whole = runs.reduce((a, b) => a + b, 0);
  const y = Tensor.activation(first.device, [batch, whole / pixels, ...plane], 'concat');
  parts.forEach((part, i) => {
    copy(part, y, { n: runs[i] as number, batch, x_start: 0, y_start: starts[i] as number });
  });
  return differentiable(y, parts, (dy, needs) =>
    parts.map((part, i) => {
      if (!needs[i]) return undefined;
      const dx = part.like('concat.dx');
      copy(dy, dx, { n: runs[i] as number, batch, x_start: starts[i] as number, y_start: 0 });
      return dx;
    }),
  );
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
  dispatch(x.device.kernel('concat', source, 'copy'), { x, y }, { ...run, ...strides, slice: params.slice }, groups);
}
