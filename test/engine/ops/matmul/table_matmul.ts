import fc from 'fast-check';
import { type MatmulOptions, matmul } from '../../../../src/engine/ops/matmul/matmul.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, broadcastOf, coordinates, indexOf, type NdArray, nd } from '../nd.ts';
import { broadcastShapes } from '../shapes.ts';
import { type OpRow, type Problem, row } from '../table_row.ts';

const side = (max: number) => fc.oneof(fc.constant(1), fc.integer({ min: 1, max }));
const sides = fc.record({ m: side(5), k: side(6), n: side(5) });
const flags = fc.record({ transposeA: fc.boolean(), transposeB: fc.boolean() });

type Sides = { m: number; k: number; n: number };

function problem({ m, k, n }: Sides, args: MatmulOptions, a: number[] = [], b: number[] = []): Problem<MatmulOptions> {
  const left = args.transposeA ? [k, m] : [m, k];
  const right = args.transposeB ? [n, k] : [k, n];
  return {
    shapes: [
      [...a, ...left],
      [...b, ...right],
    ],
    args,
  };
}

/** Σ over k from the definition. */
function multiplied(a: NdArray, b: NdArray, { transposeA, transposeB }: MatmulOptions): NdArray {
  const [ca, cb] = [a.shape.at(transposeA ? -1 : -2), b.shape.at(transposeB ? -2 : -1)] as [number, number];
  const depth = a.shape.at(transposeA ? -2 : -1) as number;
  const batch = broadcastOf([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  return nd([...batch, ca, cb], (index) => {
    const here = coordinates([...batch, ca, cb], index);
    const [i, j] = here.slice(-2) as [number, number];
    const place = here.slice(0, -2);
    let sum = 0;
    for (let k = 0; k < depth; k++) {
      const left = indexOf(a.shape, [...place, ...(transposeA ? [k, i] : [i, k])]);
      const right = indexOf(b.shape, [...place, ...(transposeB ? [j, k] : [k, j])]);
      sum += at(a, left) * at(b, right);
    }
    return sum;
  });
}

const common = {
  run: ([a, b]: Tensor[], args: MatmulOptions) => matmul(a as Tensor, b as Tensor, args),
  reference: ([a, b]: NdArray[], args: MatmulOptions) => multiplied(a as NdArray, b as NdArray, args),
  twice: true,
};

const every = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));

export const products: OpRow[] = [
  row<MatmulOptions>({
    name: 'matmul of two matrices',
    problem: fc.tuple(sides, flags).map(([s, args]) => problem(s, args)),
    large: every.map((args) => problem({ m: 33, k: 70, n: 45 }, args)),
    ...common,
  }),
  row<MatmulOptions>({
    name: 'matmul of batches',
    problem: fc
      .tuple(sides, flags, broadcastShapes(2))
      .map(([s, args, [a = [], b = []]]) => problem(s, args, a.slice(-4), b.slice(-4))),
    large: [
      ...every.map((args) => problem({ m: 19, k: 23, n: 70 }, args, [3], [3])),
      problem({ m: 70, k: 40, n: 9 }, {}, [2, 1, 3], [2, 1]),
      problem({ m: 3, k: 4, n: 5 }, {}, [2, 1, 3, 1, 2], [1, 3, 1, 2, 1]),
    ],
    ...common,
  }),
  row<MatmulOptions>({
    name: 'matmul of a batch and one matrix',
    problem: fc
      .tuple(sides, flags, fc.array(side(3), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([s, args, batch, left]) => (left ? problem(s, args, batch) : problem(s, args, [], batch))),
    large: [problem({ m: 40, k: 30, n: 20 }, {}, [5]), problem({ m: 40, k: 30, n: 20 }, { transposeB: true }, [5])],
    ...common,
  }),
  row({
    name: 'matmul of vectors',
    problem: fc.record({ s: sides, which: fc.constantFrom('a', 'b', 'both') }).map(({ s: { m, k, n }, which }) => {
      const shapes = { a: [[k], [2, k, n]], b: [[2, m, k], [k]], both: [[k], [k]] };
      return { shapes: shapes[which as 'a'], args: null };
    }),
    run: ([a, b]) => matmul(a as Tensor, b as Tensor),
    reference: ([a, b]) => {
      const [left, right] = [a as NdArray, b as NdArray];
      const wide = {
        a: left.shape.length === 1 ? { ...left, shape: [1, ...left.shape] } : left,
        b: right.shape.length === 1 ? { ...right, shape: [...right.shape, 1] } : right,
      };
      const y = multiplied(wide.a, wide.b, {});
      const shape = [
        ...y.shape.slice(0, -2),
        ...(left.shape.length === 1 ? [] : y.shape.slice(-2, -1)),
        ...(right.shape.length === 1 ? [] : y.shape.slice(-1)),
      ];
      return { shape: shape.length > 0 ? shape : [1], data: y.data };
    },
    twice: true,
  }),
];
