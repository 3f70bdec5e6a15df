import fc from 'fast-check';
import { cast } from '../../../../src/engine/ops/lookup/cast.ts';
import { embedding } from '../../../../src/engine/ops/lookup/embedding.ts';
import { gather, oneHot } from '../../../../src/engine/ops/lookup/gather.ts';
import { cumsum } from '../../../../src/engine/ops/reduce/cumsum.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, coordinates, indexOf, map, type NdArray, nd, sizeOf } from '../nd.ts';
import { anyShape } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

const side = (max: number) => fc.oneof(fc.constant(1), fc.integer({ min: 1, max }));
const someAxes = fc.array(side(5), { minLength: 1, maxLength: 4 });

/** Whole numbers below `count`, as the floats that the table's inputs are. */
function indices(random: () => number, shape: readonly number[], count: number): number[] {
  return Array.from({ length: sizeOf(shape) }, () => Math.floor(random() * count));
}

const ordinary = (random: () => number, shape: readonly number[]) =>
  Array.from({ length: sizeOf(shape) }, () => 4 * random() - 2);

export const lookups: OpRow[] = [
  row<{ rows: number }>({
    name: 'embedding',
    problem: fc
      .record({ shape: fc.array(side(4), { minLength: 1, maxLength: 3 }), rows: side(6), width: side(5) })
      .map(({ shape, rows, width }) => ({ shapes: [[rows, width], shape], args: { rows } })),
    large: [
      {
        shapes: [
          [50, 33],
          [7, 41],
        ],
        args: { rows: 50 },
      },
    ],
    run: ([weight, index]) => embedding(cast(index as Tensor, 'u32'), weight as Tensor),
    reference: ([weight, index]) => {
      const width = (weight as NdArray).shape[1] as number;
      return nd([...(index as NdArray).shape, width], (i) => {
        const picked = at(index as NdArray, Math.floor(i / width));
        return at(weight as NdArray, picked * width + (i % width));
      });
    },
    values: (random, shape, input, { rows }) => (input === 0 ? ordinary(random, shape) : indices(random, shape, rows)),
    differentiable: [true, false],
    activations: 0,
    twice: true,
  }),
  row<{ axis: number; length: number }>({
    name: 'gather',
    problem: fc.record({ shape: someAxes, picks: side(6), n: fc.nat() }).map(({ shape, picks, n }) => {
      const axis = n % shape.length;
      return { shapes: [shape, shape.with(axis, picks)], args: { axis, length: shape[axis] as number } };
    }),
    large: [
      {
        shapes: [
          [300, 10],
          [300, 1],
        ],
        args: { axis: 1, length: 10 },
      },
    ],
    run: ([x, index], { axis }) => gather(x as Tensor, axis, cast(index as Tensor, 'u32')),
    reference: ([x, index], { axis }) => {
      const { shape } = index as NdArray;
      return nd(shape, (i) => {
        const here = coordinates(shape, i).with(axis, at(index as NdArray, i));
        return at(x as NdArray, indexOf((x as NdArray).shape, here));
      });
    },
    values: (random, shape, input, { length }) =>
      input === 0 ? ordinary(random, shape) : indices(random, shape, length),
    differentiable: [true, false],
    activations: 0,
    twice: true,
  }),
  row({
    name: 'one_hot',
    problem: fc.record({ shapes: fc.tuple(anyShape), args: fc.record({ classes: fc.integer({ min: 1, max: 5 }) }) }),
    run: ([index], { classes }) => oneHot(cast(index as Tensor, 'u32'), classes),
    reference: ([index], { classes }) => {
      const { shape } = index as NdArray;
      return nd([...shape, classes], (i) => Number(at(index as NdArray, Math.floor(i / classes)) === i % classes));
    },
    values: (random, shape) => indices(random, shape, 5),
    differentiable: [false],
    activations: 0,
  }),
  row({
    name: 'cast to whole numbers and back',
    problem: fc.record({ shapes: fc.tuple(anyShape), args: fc.constant(null) }),
    run: ([x]) => cast(cast(x as Tensor, 'i32'), 'f32'),
    reference: ([x]) => map(x as NdArray, Math.trunc),
    values: (random, shape) => Array.from({ length: sizeOf(shape) }, () => (random() - 0.5) * 2000),
    differentiable: [false],
    activations: 0,
  }),
  row({
    name: 'cumsum',
    problem: fc
      .record({ shape: someAxes, n: fc.nat() })
      .map(({ shape, n }) => ({ shapes: [shape], args: { axis: n % shape.length } })),
    large: [{ shapes: [[40, 100, 3]], args: { axis: 1 } }],
    run: ([x], { axis }) => cumsum(x as Tensor, axis),
    reference: ([x], { axis }) => {
      const { shape } = x as NdArray;
      return nd(shape, (i) => {
        const here = coordinates(shape, i);
        const until = Array.from({ length: (here[axis] as number) + 1 }, (_, k) => here.with(axis, k));
        return until.reduce((sum, place) => sum + at(x as NdArray, indexOf(shape, place)), 0);
      });
    },
    twice: true,
  }),
];
