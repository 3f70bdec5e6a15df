import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { centerCrop } from '../../../../src/engine/ops/shape/center_crop.ts';
import { concat } from '../../../../src/engine/ops/shape/concat.ts';
import { permute, transpose2d } from '../../../../src/engine/ops/shape/permute.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { count, resultAndGradient } from '../compare.ts';

let device: Device;
/** The same adapter posing as a GPU: for tilings and kernels that CPU drivers do not get. */
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

test('centre-crop: the offset is half the difference, a half rounded to even, and outside there is no gradient', async () => {
  for (const [width, crop, first] of [
    [4, 3, 0],
    [6, 3, 2],
    [8, 3, 2],
    [10, 3, 4],
    [5, 3, 1],
    [7, 3, 2],
  ] as const) {
    const [y, dx] = await resultAndGradient(device, [1, 1, 1, width], count(width), (x) => centerCrop(x, 1, crop));
    expect(y, `${width} → ${crop}`).toEqual([first + 1, first + 2, first + 3]);
    expect(dx, `${width} → ${crop}`).toEqual(count(width).map((v) => (v > first && v <= first + 3 ? v - first : 0)));
  }
});

test('permute: a GPU uses the tiled kernel if both sides fill a tile, and the plain one otherwise', async () => {
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

test('permute: if only axes of length 1 move, the result is the same memory, and gradients still flow', async () => {
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
    expect(() => permute(zeros(2, 3), [0, 0])).toThrow(/\[0,0\] is not a permutation of the axes of x \[2,3\]/);
    expect(() => permute(zeros(2, 3), [0, 1, 2])).toThrow(/no axis 2 in x \[2,3\]/);
    expect(() => transpose2d(zeros(2, 3, 4))).toThrow(/\[2,3,4\] is not a matrix/);
    return concat([zeros(1, 1)]);
  });
  recorded.destroy();
});
