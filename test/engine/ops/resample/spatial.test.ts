import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { maxPool2d } from '../../../../src/engine/ops/resample/max_pool.ts';
import { upsampleBilinear } from '../../../../src/engine/ops/resample/upsample_bilinear.ts';
import { centerCrop } from '../../../../src/engine/ops/shape/center_crop.ts';
import { concat } from '../../../../src/engine/ops/shape/concat.ts';
import { permute, transpose2d } from '../../../../src/engine/ops/shape/permute.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { check } from '../check.ts';
import { norms } from '../norm/table_norm.ts';
import { spatial } from './table_spatial.ts';

let device: Device;
/** The same adapter, taken for a GPU: the tilings and kernels that a CPU driver would not be given. */
let asGpu: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
  asGpu = await openTestDevice({ guards: true });
  asGpu.capabilities.cpu = false;
});
afterAll(() => {
  asGpu.destroy();
  closeTestDevice(device);
});

const count = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** Values of the result, and the gradients of the sum of (1, 2, 3, …) · result, which tells its elements apart. */
async function both(
  shape: readonly number[],
  values: readonly number[],
  op: (x: Tensor) => Tensor,
): Promise<[number[], number[]]> {
  const x = Tensor.from(device, shape, values, 'x');
  x.requiresGrad = true;
  const recorded = await record(device, () => {
    const y = op(x);
    backward(y, Tensor.from(device, y.shape, count(y.size), 'dy'));
    return [y, x.grad as Tensor] as const;
  });
  recorded.run();
  const [y, dx] = recorded.outputs;
  const result: [number[], number[]] = [[...(await y.read())], [...(await dx.read())]];
  expect(await recorded.program.brokenGuards()).toEqual([]);
  recorded.destroy();
  return result;
}

describe.each([...spatial, ...norms].map((row) => [row.name, row] as const))('%s as on a GPU', (_, row) => {
  test('random and large shapes', { tags: 'long', timeout: 180_000 }, async () => {
    const property = fc.asyncProperty(row.problem, fc.nat(), (problem, seed) => check(asGpu, row, problem, seed));
    await fc.assert(property, { numRuns: 20, seed: 2 });
    for (const problem of row.large ?? []) await check(asGpu, row, problem, 2, true);
  });
});

test('max-pool: of equal values the first in row-major order gets the gradient', async () => {
  // Windows of 2 × 2 in steps of 1 over three equal rows: every window's first value is its top left.
  const [y, dx] = await both([1, 1, 3, 3], new Array(9).fill(5), (x) => maxPool2d(x, 2, 1, 0));
  expect(y).toEqual([5, 5, 5, 5]);
  expect(dx).toEqual([1, 2, 0, 3, 4, 0, 0, 0, 0]);
  // The tie of 7 in the second row and column: the upper right one comes first.
  const [, tie] = await both([1, 1, 2, 2], [1, 7, 7, 2], (x) => maxPool2d(x, 2));
  expect(tie).toEqual([0, 1, 0, 0]);
  // Zero and minus zero are equal.
  const [, zeros] = await both([1, 1, 1, 4], [-0, 0, 0, -0], (x) => maxPool2d(x, 1, 1, 0));
  expect(zeros).toEqual([1, 2, 3, 4]);
  const [, signs] = await both([1, 1, 2, 2], [-1, -0, 0, -1], (x) => maxPool2d(x, 2));
  expect(signs).toEqual([0, 1, 0, 0]);
});

test('max-pool: padding loses even against very negative values and minus infinity', async () => {
  const low = Number.NEGATIVE_INFINITY;
  const [y, dx] = await both([1, 1, 2, 2], [-3e38, low, low, low], (x) => maxPool2d(x, 2, 2, 1));
  expect(y).toEqual([Math.fround(-3e38), low, low, low]);
  expect(dx).toEqual([1, 2, 3, 4]);
  // Nothing but minus infinity: the first pixel that is not padding.
  const [all, at] = await both([1, 1, 2, 2], [low, low, low, low], (x) => maxPool2d(x, 3, 3, 1));
  expect([all, at]).toEqual([[low], [1, 0, 0, 0]]);
});

test('max-pool: NaN under the window is the result and gets the gradient, the last of several', async () => {
  const nan = Number.NaN;
  const inf = Number.POSITIVE_INFINITY;
  // Windows: NaN first, NaN last, two of them, none.
  const rows = [nan, 1, 1, 2, nan, 1, 3, 4, /**/ 2, 3, inf, nan, 5, nan, 1, 2];
  const [y, dx] = await both([1, 1, 2, 8], rows, (x) => maxPool2d(x, 2));
  expect(y).toEqual([nan, nan, nan, 4]);
  expect(dx).toEqual([1, 0, 0, 0, 0, 0, 0, 4, /**/ 0, 0, 0, 2, 0, 3, 0, 0]);
  // Minus NaN is one too.
  const x = Tensor.zeros(device, [1, 1, 1, 2]);
  device.write(x.storage, Uint32Array.of(0xffc00001, 0x40000000));
  const recorded = await record(device, () => maxPool2d(x, 1, 2));
  recorded.run();
  expect([...(await recorded.outputs.read())]).toEqual([nan]);
  recorded.destroy();
});

test('centre-crop: the offset is half the difference, a half rounded to even, and outside there is no gradient', async () => {
  for (const [width, crop, first] of [
    [4, 3, 0],
    [6, 3, 2],
    [8, 3, 2],
    [10, 3, 4],
    [5, 3, 1],
    [7, 3, 2],
  ] as const) {
    const [y, dx] = await both([1, 1, 1, width], count(width), (x) => centerCrop(x, 1, crop));
    expect(y, `${width} → ${crop}`).toEqual([first + 1, first + 2, first + 3]);
    expect(dx, `${width} → ${crop}`).toEqual(count(width).map((v) => (v > first && v <= first + 3 ? v - first : 0)));
  }
});

test('upsample: corners stay where they are, the same size changes nothing, one pixel fills everything', async () => {
  const [up] = await both([1, 1, 2, 2], [1, 2, 3, 4], (x) => upsampleBilinear(x, 3, 3, true));
  expect(up).toEqual([1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4]);
  const [edges] = await both([1, 1, 1, 2], [0, 4], (x) => upsampleBilinear(x, 1, 4, false));
  expect(edges).toEqual([0, 1, 3, 4]);
  const values = count(35).map((v) => Math.fround(Math.sin(v)));
  for (const align of [true, false]) {
    const [same, gradient] = await both([1, 1, 5, 7], values, (x) => upsampleBilinear(x, 5, 7, align));
    expect(same).toEqual(values);
    expect(gradient).toEqual(count(35));
    const [filled, sum] = await both([1, 1, 1, 1], [7], (x) => upsampleBilinear(x, 3, 2, align));
    expect(filled).toEqual([7, 7, 7, 7, 7, 7]);
    expect(sum).toEqual([21]);
  }
});

test('permute: a GPU gets the tiled kernel where both sides fill a tile, the plain one elsewhere', async () => {
  for (const [shape, label] of [
    [[40, 33], 'permute.tiled'],
    [[40, 3], 'permute'],
    [[15, 40], 'permute'],
  ] as const) {
    const recorded = await record(asGpu, () => transpose2d(Tensor.zeros(asGpu, shape)));
    expect(recorded.program.kernels.map((kernel) => kernel.label)).toEqual([label]);
    recorded.destroy();
  }
});

test('permute: where only ones move, the result is the same memory, and gradients still flow', async () => {
  const x = Tensor.from(device, [1, 2, 1, 3], count(6));
  x.requiresGrad = true;
  const recorded = await record(device, () => {
    const y = permute(x, [1, 0, 3, 2]);
    expect(y.shape).toEqual([2, 1, 3, 1]);
    expect(y.storage).toBe(x.storage);
    const doubled = concat([y, y]);
    backward(doubled, Tensor.from(device, doubled.shape, count(12)));
    return { doubled, dx: x.grad as Tensor };
  });
  recorded.run();
  expect([...(await recorded.outputs.doubled.read())]).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
  expect([...(await recorded.outputs.dx.read())]).toEqual([5, 7, 9, 17, 19, 21]);
  expect(recorded.outputs.dx.shape).toEqual([1, 2, 1, 3]);
  recorded.destroy();
});

test('wrong shapes and arguments are named', async () => {
  const zeros = (...shape: number[]) => Tensor.zeros(device, shape, 'x');
  const recorded = await record(device, () => {
    expect(() => concat([])).toThrow(/nothing to join/);
    expect(() => concat([zeros(2, 3, 4, 4), zeros(2, 3, 4, 5)])).toThrow(/x is \[2,3,4,4\], x is \[2,3,4,5\]/);
    expect(() => concat([zeros(2, 3), zeros(1, 3)])).toThrow(/x is \[2,3\], x is \[1,3\]/);
    expect(() => concat([zeros(3)])).toThrow(/no axis 1 in x \[3\]/);
    expect(() => centerCrop(zeros(1, 1, 4, 4), 5, 4)).toThrow(/\[1,1,4,4\] is smaller than the 4 × 5/);
    expect(() => centerCrop(zeros(4, 4), 2, 2)).toThrow(/\[4,4\]; expected \(N, C, H, W\)/);
    expect(() => maxPool2d(zeros(1, 1, 2, 2), 3)).toThrow(/3 × 3 window is larger/);
    expect(() => maxPool2d(zeros(1, 1, 4, 4), 2, 2, 2)).toThrow(/padding 2, 2 must be at most half the kernel's 2, 2/);
    expect(() => maxPool2d(zeros(1, 1, 4, 4), 2, 0)).toThrow(/stride is 0; it must be a whole number of at least 1/);
    expect(() => upsampleBilinear(zeros(1, 1, 2, 2), 0, 4, true)).toThrow(
      /height is 0; it must be a whole number of at least 1/,
    );
    expect(() => upsampleBilinear(zeros(1, 1, 2 ** 15, 1), 2 ** 15, 1, true)).toThrow(/beyond its exact arithmetic/);
    expect(() => permute(zeros(2, 3), [0, 0])).toThrow(/\[0,0\] is no order of the axes of x \[2,3\]/);
    expect(() => permute(zeros(2, 3), [0, 1, 2])).toThrow(/no axis 2 in x \[2,3\]/);
    expect(() => transpose2d(zeros(2, 3, 4))).toThrow(/\[2,3,4\] is no matrix/);
    return concat([zeros(1, 1)]);
  });
  recorded.destroy();
});
