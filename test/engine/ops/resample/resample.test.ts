import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { maxPool2d } from '../../../../src/engine/ops/resample/max_pool.ts';
import { upsampleBilinear } from '../../../../src/engine/ops/resample/upsample_bilinear.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { count, resultAndGradient } from '../compare.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

test('max-pool: of equal values the first in row-major order gets the gradient', async () => {
  // Windows of 2 × 2 in steps of 1 over three equal rows: every window's first value is its top left.
  const [y, dx] = await resultAndGradient(device, [1, 1, 3, 3], new Array(9).fill(5), (x) => maxPool2d(x, 2, 1, 0));
  expect(y).toEqual([5, 5, 5, 5]);
  expect(dx).toEqual([1, 2, 0, 3, 4, 0, 0, 0, 0]);
  // The tie of 7 in the second row and column: the upper right one comes first.
  const [, tie] = await resultAndGradient(device, [1, 1, 2, 2], [1, 7, 7, 2], (x) => maxPool2d(x, 2));
  expect(tie).toEqual([0, 1, 0, 0]);
  // Zero and minus zero are equal.
  const [, zeros] = await resultAndGradient(device, [1, 1, 1, 4], [-0, 0, 0, -0], (x) => maxPool2d(x, 1, 1, 0));
  expect(zeros).toEqual([1, 2, 3, 4]);
  const [, signs] = await resultAndGradient(device, [1, 1, 2, 2], [-1, -0, 0, -1], (x) => maxPool2d(x, 2));
  expect(signs).toEqual([0, 1, 0, 0]);
});

test('max-pool: padding loses even against very negative values and minus infinity', async () => {
  const low = Number.NEGATIVE_INFINITY;
  const [y, dx] = await resultAndGradient(device, [1, 1, 2, 2], [-3e38, low, low, low], (x) => maxPool2d(x, 2, 2, 1));
  expect(y).toEqual([Math.fround(-3e38), low, low, low]);
  expect(dx).toEqual([1, 2, 3, 4]);
  // Only minus infinity: the first pixel that is not padding.
  const [all, at] = await resultAndGradient(device, [1, 1, 2, 2], [low, low, low, low], (x) => maxPool2d(x, 3, 3, 1));
  expect([all, at]).toEqual([[low], [1, 0, 0, 0]]);
});

test('max-pool: NaN in the window is the result and gets the gradient, the last of several', async () => {
  const nan = Number.NaN;
  const inf = Number.POSITIVE_INFINITY;
  // Windows: NaN first, NaN last, two of them, none.
  const rows = [nan, 1, 1, 2, nan, 1, 3, 4, /**/ 2, 3, inf, nan, 5, nan, 1, 2];
  const [y, dx] = await resultAndGradient(device, [1, 1, 2, 8], rows, (x) => maxPool2d(x, 2));
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

test('upsample: corners stay in place, the same size changes nothing, one pixel fills everything', async () => {
  const [up] = await resultAndGradient(device, [1, 1, 2, 2], [1, 2, 3, 4], (x) => upsampleBilinear(x, 3, 3, true));
  expect(up).toEqual([1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4]);
  const [edges] = await resultAndGradient(device, [1, 1, 1, 2], [0, 4], (x) => upsampleBilinear(x, 1, 4, false));
  expect(edges).toEqual([0, 1, 3, 4]);
  const values = count(35).map((v) => Math.fround(Math.sin(v)));
  for (const align of [true, false]) {
    const [same, gradient] = await resultAndGradient(device, [1, 1, 5, 7], values, (x) =>
      upsampleBilinear(x, 5, 7, align),
    );
    expect(same).toEqual(values);
    expect(gradient).toEqual(count(35));
    const [filled, sum] = await resultAndGradient(device, [1, 1, 1, 1], [7], (x) => upsampleBilinear(x, 3, 2, align));
    expect(filled).toEqual([7, 7, 7, 7, 7, 7]);
    expect(sum).toEqual([21]);
  }
});

test('wrong shapes and arguments are named', async () => {
  const zeros = (...shape: number[]) => Tensor.zeros(device, shape, 'x');
  const recorded = await record(device, () => {
    expect(() => maxPool2d(zeros(1, 1, 2, 2), 3)).toThrow(/3 × 3 window is larger/);
    expect(() => maxPool2d(zeros(1, 1, 4, 4), 2, 2, 2)).toThrow(/padding 2, 2 must be at most half the kernel's 2, 2/);
    expect(() => maxPool2d(zeros(1, 1, 4, 4), 2, 0)).toThrow(/stride is 0; it must be a whole number of at least 1/);
    expect(() => upsampleBilinear(zeros(1, 1, 2, 2), 0, 4, true)).toThrow(
      /height is 0; it must be a whole number of at least 1/,
    );
    expect(() => upsampleBilinear(zeros(1, 1, 2 ** 15, 1), 2 ** 15, 1, true)).toThrow(/beyond its exact arithmetic/);
    return zeros(1);
  });
  recorded.destroy();
});
