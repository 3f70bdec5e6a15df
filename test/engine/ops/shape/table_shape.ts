import fc from 'fast-check';
import { concat, stack } from '../../../../src/engine/ops/shape/concat.ts';
import { expand } from '../../../../src/engine/ops/shape/expand.ts';
import { type PadMode, pad } from '../../../../src/engine/ops/shape/pad.ts';
import { transpose } from '../../../../src/engine/ops/shape/permute.ts';
import { flatten, reshape, squeeze, unsqueeze } from '../../../../src/engine/ops/shape/reshape.ts';
import { type AxisRange, slice, split } from '../../../../src/engine/ops/shape/slice.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, coordinates, indexOf, type NdArray, nd, sizeOf } from '../nd.ts';
import { side } from '../shapes.ts';
import { type OpRow, type Problem, row } from '../table_row.ts';

const anySides = fc.oneof(
  fc.array(side(6), { minLength: 1, maxLength: 4 }),
  fc.array(side(3), { minLength: 5, maxLength: 6 }),
);

/** A result of this shape whose element is f of its coordinates. */
function byCoordinates(shape: readonly number[], f: (here: number[]) => number): NdArray {
  return nd(shape, (i) => f(coordinates(shape, i)));
}

const lookUp = (x: NdArray, here: readonly number[]) => at(x, indexOf(x.shape, here));

/** The elements that Python's `range(length)[start:end:step]` holds. */
function pythonSlice(length: number, { start, end, step = 1 }: AxisRange): number[] {
  const clip = (n: number) =>
    Math.min(Math.max(n < 0 ? n + length : n, step > 0 ? 0 : -1), step > 0 ? length : length - 1);
  const first = start === undefined ? (step > 0 ? 0 : length - 1) : clip(start);
  const stop = end === undefined ? (step > 0 ? length : -1) : clip(end);
  const found: number[] = [];
  for (let i = first; step > 0 ? i < stop : i > stop; i += step) found.push(i);
  return found;
}

const anyRange = (length: number): fc.Arbitrary<AxisRange | undefined> =>
  fc
    .record({
      start: fc.option(fc.integer({ min: -length - 1, max: length }), { nil: undefined }),
      end: fc.option(fc.integer({ min: -length - 1, max: length + 2 }), { nil: undefined }),
      step: fc.constantFrom(undefined, 1, 2, 3, -1, -2),
    })
    .map(({ start, end, step }) => {
      const range = { ...(start !== undefined && { start }), ...(end !== undefined && { end }), ...(step && { step }) };
      return pythonSlice(length, range).length > 0 ? range : undefined;
    });

const slices: fc.Arbitrary<Problem<(AxisRange | undefined)[]>> = anySides.chain((shape) =>
  fc.record({ shapes: fc.constant([shape]), args: fc.tuple(...shape.map(anyRange)) }),
);

interface PadArgs {
  padding: number[];
  mode: PadMode;
  value: number;
}

/** Up to four axes of up to six; some sides cut away. */
const paddings: fc.Arbitrary<Problem<PadArgs>> = fc
  .record({
    shape: anySides,
    mode: fc.constantFrom<PadMode>('constant', 'reflect', 'replicate'),
    value: fc.constantFrom(0, -1.5),
  })
  .chain(({ shape, mode, value }) => {
    const axes = [...shape].reverse().slice(0, 4);
    const padding = axes.map((length) => {
      const most = mode === 'reflect' ? Math.min(length - 1, 3) : 3;
      const one = fc.integer({ min: length > 3 ? -1 : 0, max: most });
      return fc.tuple(one, one);
    });
    return fc.record({
      shapes: fc.constant([shape]),
      args: fc.tuple(...padding).map((pairs) => ({ padding: pairs.flat(), mode, value })),
    });
  });

function padded(x: NdArray, { padding, mode, value }: PadArgs): NdArray {
  const rank = x.shape.length;
  const sides = x.shape.map((_, axis) => [
    padding[2 * (rank - 1 - axis)] ?? 0,
    padding[2 * (rank - 1 - axis) + 1] ?? 0,
  ]);
  const shape = x.shape.map((n, axis) => n + (sides[axis] as number[]).reduce((a, b) => a + b, 0));
  return byCoordinates(shape, (here) => {
    const from = here.map((o, axis) => {
      const [before = 0, behind = 0] = sides[axis] as number[];
      // Cropped values are gone before anything is repeated.
      const [low, high] = [Math.max(0, -before), (x.shape[axis] as number) - 1 + Math.min(0, behind)];
      const i = o - before;
      if (mode === 'constant') return i < low || i > high ? -1 : i;
      if (mode === 'replicate') return Math.min(Math.max(i, low), high);
      return i < low ? 2 * low - i : i > high ? 2 * high - i : i;
    });
    return from.includes(-1) ? value : lookUp(x, from);
  });
}

/** Parts that differ in the length of one axis. */
const joined: fc.Arbitrary<Problem<{ axis: number }>> = fc
  .record({
    shape: fc.array(side(4), { minLength: 1, maxLength: 5 }),
    lengths: fc.array(side(4), { minLength: 1, maxLength: 4 }),
    n: fc.nat(),
  })
  .map(({ shape, lengths, n }) => {
    const axis = n % shape.length;
    return { shapes: lengths.map((length) => shape.map((own, k) => (k === axis ? length : own))), args: { axis } };
  });

function concatenated(parts: readonly NdArray[], axis: number): NdArray {
  const lengths = parts.map(({ shape }) => shape[axis] as number);
  const shape = (parts[0] as NdArray).shape.map((n, k) => (k === axis ? lengths.reduce((a, b) => a + b, 0) : n));
  return byCoordinates(shape, (here) => {
    let [part, i] = [0, here[axis] as number];
    while (i >= (lengths[part] as number)) i -= lengths[part++] as number;
    return lookUp(parts[part] as NdArray, here.with(axis, i));
  });
}

/** The same values under another shape. */
function viewRow(name: string, run: (x: Tensor) => Tensor, shape: (x: number[]) => number[], sides = anySides): OpRow {
  return row({
    name,
    problem: fc.record({ shapes: fc.tuple(sides), args: fc.constant(null) }),
    run: ([x]) => run(x as Tensor),
    reference: ([x]) => ({ shape: shape([...(x as NdArray).shape]), data: (x as NdArray).data }),
    twice: true,
  });
}

const rank3 = fc.array(side(5), { minLength: 3, maxLength: 3 });

export const shapes: OpRow[] = [
  viewRow(
    'reshape',
    (x) => reshape(x, [1, -1]),
    (s) => [1, sizeOf(s)],
  ),
  viewRow(
    'flatten',
    (x) => flatten(x),
    (s) => [sizeOf(s)],
  ),
  viewRow(
    'flatten from 1',
    (x) => flatten(x, 1),
    ([n = 1, ...rest]) => [n, sizeOf(rest)],
    rank3,
  ),
  viewRow(
    'squeeze',
    (x) => squeeze(x),
    (s) => {
      const rest = s.filter((n) => n !== 1);
      return rest.length > 0 ? rest : [1];
    },
  ),
  viewRow(
    'unsqueeze',
    (x) => unsqueeze(x, -1),
    (s) => [...s, 1],
  ),
  row({
    name: 'transpose',
    problem: fc.record({ shapes: fc.tuple(rank3), args: fc.constant(null) }),
    run: ([x]) => transpose(x as Tensor, 0, -1),
    reference: ([x]) => {
      const [a = 1, b = 1, c = 1] = (x as NdArray).shape;
      return byCoordinates([c, b, a], ([i, j, k]) => lookUp(x as NdArray, [k as number, j as number, i as number]));
    },
    twice: true,
  }),
  row({
    name: 'expand',
    problem: fc
      .record({
        full: fc.array(side(4), { minLength: 1, maxLength: 6 }),
        ones: fc.infiniteStream(fc.boolean()),
        missing: fc.nat(2),
      })
      .map(({ full, ones, missing }) => {
        const own = full.map((n) => (ones.next().value ? 1 : n)).slice(Math.min(missing, full.length - 1));
        return { shapes: [own], args: { shape: full } };
      }),
    large: [{ shapes: [[3, 1, 5, 1, 7, 1]], args: { shape: [3, 4, 5, 6, 7, 8] } }],
    run: ([x], { shape }) => expand(x as Tensor, shape),
    reference: ([x], { shape }) => byCoordinates(shape, (here) => lookUp(x as NdArray, here)),
    twice: true,
  }),
  row({
    name: 'slice',
    problem: slices,
    large: [
      { shapes: [[3, 20, 31, 33]], args: [undefined, { start: 2, end: -1 }, { step: 2 }, { start: -1, step: -3 }] },
      {
        shapes: [[5, 4, 3, 6, 5, 7]],
        args: [{ start: 1 }, undefined, { end: 2 }, { step: -1 }, { start: 2 }, { step: 3 }],
      },
    ],
    run: ([x], ranges) => slice(x as Tensor, ranges),
    reference: ([x], ranges) => {
      const picks = (x as NdArray).shape.map((length, axis) => pythonSlice(length, ranges[axis] ?? {}));
      const shape = picks.map(({ length }) => length);
      return byCoordinates(shape, (here) =>
        lookUp(
          x as NdArray,
          here.map((o, axis) => picks[axis]?.[o] as number),
        ),
      );
    },
    twice: true,
  }),
  row({
    name: 'split and concat',
    problem: fc.record({ shapes: fc.tuple(rank3), args: fc.record({ size: fc.integer({ min: 1, max: 6 }) }) }),
    run: ([x], { size }) => concat(split(x as Tensor, size, 2).reverse(), 2),
    reference: ([x], { size }) => {
      const length = (x as NdArray).shape[2] as number;
      const parts: number[][] = [];
      for (let start = 0; start < length; start += size)
        parts.unshift(pythonSlice(length, { start, end: start + size }));
      const order = parts.flat();
      return byCoordinates((x as NdArray).shape, ([i, j, k]) => {
        return lookUp(x as NdArray, [i as number, j as number, order[k as number] as number]);
      });
    },
    twice: true,
  }),
  row({
    name: 'pad',
    problem: paddings,
    large: [
      { shapes: [[2, 7, 33, 29]], args: { padding: [3, 3, 3, 3], mode: 'reflect' as const, value: 0 } },
      { shapes: [[2, 7, 33, 29]], args: { padding: [1, 4, 2, 0], mode: 'replicate' as const, value: 0 } },
      { shapes: [[2, 7, 33, 29]], args: { padding: [1, -4, 2, 5], mode: 'constant' as const, value: 2 } },
    ],
    run: ([x], { padding, mode, value }) => pad(x as Tensor, padding, mode, value),
    reference: ([x], args) => padded(x as NdArray, args),
    twice: true,
  }),
  row({
    name: 'concat on any axis',
    problem: joined,
    large: [
      {
        shapes: [
          [40, 31, 9],
          [40, 31, 4],
          [40, 31, 1],
        ],
        args: { axis: 2 },
      },
    ],
    run: (parts, { axis }) => concat(parts, axis),
    reference: (parts, { axis }) => concatenated(parts, axis),
    twice: true,
  }),
  row({
    name: 'stack',
    problem: fc
      .record({
        shape: fc.array(side(4), { minLength: 1, maxLength: 3 }),
        count: fc.integer({ min: 1, max: 3 }),
        n: fc.nat(),
      })
      .map(({ shape, count, n }) => {
        return { shapes: Array.from({ length: count }, () => shape), args: { axis: n % (shape.length + 1) } };
      }),
    run: (parts, { axis }) => stack(parts, axis),
    reference: (parts, { axis }) => {
      const own = [...(parts[0] as NdArray).shape];
      const shape = [...own.slice(0, axis), parts.length, ...own.slice(axis)];
      return byCoordinates(shape, (here) => lookUp(parts[here[axis] as number] as NdArray, here.toSpliced(axis, 1)));
    },
    twice: true,
  }),
];
