import fc from 'fast-check';
import { permute, transpose2d } from '../../../../src/engine/ops/shape/permute.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, type NdArray, nd, sizeOf } from '../nd.ts';
import { side } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

const someSides = fc.oneof(
  fc.array(side(6), { minLength: 1, maxLength: 4 }),
  fc.array(side(3), { minLength: 5, maxLength: 6 }),
);

const anyOrder = someSides.chain((shape) => {
  const axes = shape.map((_, i) => i);
  const order = fc.shuffledSubarray(axes, { minLength: axes.length });
  return fc.record({ shapes: fc.constant<number[][]>([shape]), args: fc.record({ axes: order }) });
});

function permuted(x: NdArray, axes: readonly number[]): NdArray {
  const strides = x.shape.map((_, i) => sizeOf(x.shape.slice(i + 1)));
  const shape = axes.map((axis) => x.shape[axis] as number);
  return nd(shape, (i) => {
    let left = i;
    let from = 0;
    for (let k = axes.length - 1; k >= 0; k--) {
      const length = shape[k] as number;
      from += (left % length) * (strides[axes[k] as number] as number);
      left = Math.floor(left / length);
    }
    return at(x, from);
  });
}

export const permutations: OpRow[] = [
  row({
    name: 'permute',
    twice: true,
    problem: anyOrder,
    large: [
      { shapes: [[2, 37, 41, 35]], args: { axes: [0, 2, 3, 1] } },
      { shapes: [[2, 37, 41, 35]], args: { axes: [3, 1, 0, 2] } },
      { shapes: [[3, 33, 5, 40]], args: { axes: [3, 2, 1, 0] } },
      { shapes: [[3, 200, 9, 11]], args: { axes: [1, 0, 2, 3] } },
      { shapes: [[19, 31, 3, 23]], args: { axes: [1, 3, 0, 2] } },
      { shapes: [[7, 3, 5, 4, 6, 3]], args: { axes: [5, 3, 1, 4, 2, 0] } },
    ],
    run: ([x], { axes }) => permute(x as Tensor, axes),
    reference: ([x], { axes }) => permuted(x as NdArray, axes),
  }),
  row({
    name: 'transpose2d',
    twice: true,
    problem: fc.record({ shapes: fc.tuple(fc.tuple(side(12), side(12))), args: fc.constant(null) }),
    large: [
      { shapes: [[130, 97]], args: null },
      { shapes: [[3, 5000]], args: null },
    ],
    run: ([x]) => transpose2d(x as Tensor),
    reference: ([x]) => permuted(x as NdArray, [1, 0]),
  }),
];
