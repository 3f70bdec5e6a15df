import fc from 'fast-check';
import { add, div, maximum, minimum, mul, pow, sub } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { eq, ge, gt, le, lt, ne, where } from '../../../../src/engine/ops/elementwise/compare.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { awayFromZero, broadcast, map, type NdArray, sizeOf } from '../nd.ts';
import { anyShape, broadcastShapes } from '../shapes.ts';
import { type OpRow, row } from '../table_row.ts';

type Operation = (a: Tensor | number, b: Tensor | number) => Tensor;

/** What a row's `values` draws. */
type Draw = NonNullable<OpRow['values']>;

/**
 * Shapes of several workgroups: a bias of channels, a vector of a matrix, an outer product, seven axes that alternate.
 */
const LARGE = [
  [
    [3, 40, 33, 31],
    [40, 1, 1],
  ],
  [[301, 77], [77]],
  [
    [301, 1],
    [1, 210],
  ],
  [
    [3, 1, 4, 1, 5, 1, 6],
    [2, 1, 3, 1, 2, 1],
  ],
  [
    [65, 64, 63],
    [65, 64, 63],
  ],
  [[1], [4099]],
];

/** An operation on two tensors that are broadcast, twice differentiable. */
function binaryRow(
  name: string,
  run: Operation,
  reference: (a: number, b: number) => number,
  more: Partial<OpRow> = {},
) {
  return row({
    name,
    problem: fc.record({ shapes: broadcastShapes(2), args: fc.constant(null) }),
    run: ([a, b]) => run(a as Tensor, b as Tensor),
    reference: (inputs) => broadcast(inputs, reference),
    twice: true,
    ...more,
  });
}

/** An operation with a number on one side, or the same tensor on both. */
function oneTensorRow(
  name: string,
  run: (x: Tensor) => Tensor,
  reference: (x: number) => number,
  values?: Draw,
): OpRow {
  return row({
    name,
    problem: fc.record({ shapes: fc.tuple(anyShape), args: fc.constant(null) }),
    run: ([x]) => run(x as Tensor),
    reference: ([x]) => map(x as NdArray, reference),
    twice: true,
    ...(values ? { values } : {}),
  });
}

/** Multiples of 1/2 for the first input, shifted by a quarter for the second: never equal. */
const apart: Draw = (random, shape, input) =>
  Array.from({ length: sizeOf(shape) }, () => (Math.floor(random() * 9) - 4) / 2 + input / 4);

/** The same without the shift: many are equal. */
const often: Draw = (random, shape) => Array.from({ length: sizeOf(shape) }, () => (Math.floor(random() * 5) - 2) / 2);

const nonZero: Draw = (random, shape) => awayFromZero(random, sizeOf(shape)).map((v) => v + 0.2 * Math.sign(v));
const positive: Draw = (random, shape) => Array.from({ length: sizeOf(shape) }, () => 0.3 + 2 * random());
const condition = (v: number) => (v > 0 ? 1 : 0);

const large = (values: number[][][]) => ({ large: values.map((shapes) => ({ shapes, args: null })) });
const comparison = { values: often, differentiable: [false, false], twice: false };

export const binaries: OpRow[] = [
  binaryRow('add', add, (a, b) => a + b, large(LARGE)),
  oneTensorRow(
    'add to itself',
    (x) => add(x, x),
    (v) => 2 * v,
  ),
  oneTensorRow(
    'add a number',
    (x) => add(x, 1.5),
    (v) => v + 1.5,
  ),
  binaryRow('sub', sub, (a, b) => a - b),
  oneTensorRow(
    'sub from a number',
    (x) => sub(1, x),
    (v) => 1 - v,
  ),
  binaryRow('mul', mul, (a, b) => a * b, large(LARGE)),
  oneTensorRow(
    'mul by itself',
    (x) => mul(x, x),
    (v) => v * v,
  ),
  oneTensorRow(
    'mul by a number',
    (x) => mul(-0.75, x),
    (v) => -0.75 * v,
  ),
  binaryRow('div', div, (a, b) => a / b, { values: nonZero }),
  oneTensorRow(
    'div of a number',
    (x) => div(2, x),
    (v) => 2 / v,
    nonZero,
  ),
  binaryRow('pow', pow, (a, b) => a ** b, { values: positive }),
  oneTensorRow(
    'pow 2',
    (x) => pow(x, 2),
    (v) => v * v,
  ),
  oneTensorRow(
    'pow 3',
    (x) => pow(x, 3),
    (v) => v ** 3,
  ),
  oneTensorRow(
    'pow 0',
    (x) => pow(x, 0),
    () => 1,
  ),
  oneTensorRow('pow 0.5', (x) => pow(x, 0.5), Math.sqrt, positive),
  oneTensorRow(
    'pow −1.5',
    (x) => pow(x, -1.5),
    (v) => v ** -1.5,
    positive,
  ),
  oneTensorRow(
    'pow of a number',
    (x) => pow(2, x),
    (v) => 2 ** v,
  ),
  binaryRow('maximum', maximum, Math.max, { values: apart }),
  binaryRow('minimum', minimum, Math.min, { values: apart }),
  oneTensorRow(
    'maximum with a number',
    (x) => maximum(x, 0.125),
    (v) => Math.max(v, 0.125),
    apart,
  ),
  row({
    name: 'where',
    problem: fc.record({ shapes: broadcastShapes(3), args: fc.constant(null) }),
    run: ([c, a, b]) => where(gt(c as Tensor, 0), a as Tensor, b as Tensor),
    reference: (inputs) => broadcast(inputs, (c, a, b) => (condition(c as number) ? a : b) as number),
    values: (random, shape) => awayFromZero(random, sizeOf(shape)),
    differentiable: [false, true, true],
    twice: true,
  }),
  oneTensorRow(
    'where, a number',
    (x) => where(gt(x, 0), x, -3),
    (v) => (v > 0 ? v : -3),
    nonZero,
  ),
  binaryRow('eq', eq, (a, b) => (a === b ? 1 : 0), comparison),
  binaryRow('ne', ne, (a, b) => (a !== b ? 1 : 0), comparison),
  binaryRow('lt', lt, (a, b) => (a < b ? 1 : 0), comparison),
  binaryRow('le', le, (a, b) => (a <= b ? 1 : 0), comparison),
  binaryRow('gt', gt, (a, b) => (a > b ? 1 : 0), comparison),
  binaryRow('ge', ge, (a, b) => (a >= b ? 1 : 0), comparison),
];
