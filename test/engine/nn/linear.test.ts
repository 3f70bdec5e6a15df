import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { Embedding, Flatten, Linear } from '../../../src/engine/nn/linear.ts';
import { AvgPool2d, GlobalAvgPool, MaxPool2d } from '../../../src/engine/nn/pooling.ts';
import { sum } from '../../../src/engine/ops/reduce/reduce.ts';
import { backward } from '../../../src/engine/tape/autograd.ts';
import { run } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

it('Linear is x · wᵀ + b, over any axes in front, under PyTorch’s names', async () => {
  const linear = new Linear(device, 3, 2);
  linear.loadStateDict(
    new Map([
      ['weight', { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ['bias', { dtype: 'F32', shape: [2], data: Float32Array.of(10, 20) }],
    ]),
  );
  const x = Tensor.from(device, [2, 1, 3], [1, 0, -1, 2, 2, 2]);
  const { y, dw, db } = await run(device, () => {
    const y = linear.forward(x);
    backward(sum(y));
    return { y, dw: linear.weight.grad as Tensor, db: linear.bias?.grad as Tensor };
  });
  expect([...y]).toEqual([8, 18, 22, 50]);
  expect([...dw]).toEqual([3, 2, 1, 3, 2, 1]);
  expect([...db]).toEqual([2, 2]);
  const bound = 1 / Math.sqrt(64);
  const fresh = await new Linear(device, 64, 32).weight.read();
  expect(Math.max(...fresh.map(Math.abs))).toBeLessThanOrEqual(bound);
});

it('Embedding looks vectors up; the gradient adds up repeated indices', async () => {
  const table = new Embedding(device, 3, 2);
  table.weight.write([1, 2, 3, 4, 5, 6]);
  const indices = Tensor.from(device, [3], Uint32Array.of(2, 0, 2));
  const { y, dw } = await run(device, () => {
    const y = table.forward(indices);
    backward(sum(y));
    return { y, dw: table.weight.grad as Tensor };
  });
  expect([...y]).toEqual([5, 6, 1, 2, 5, 6]);
  expect([...dw]).toEqual([1, 1, 0, 0, 2, 2]);
});

it('Flatten and pools as modules', async () => {
  const x = Tensor.from(device, [1, 1, 2, 2], [1, 2, 3, 4]);
  const shapes: string[] = [];
  const values = await run(device, () => {
    const all = [new Flatten(), new MaxPool2d(2), new AvgPool2d(2), new GlobalAvgPool()].map((m) => m.forward(x));
    shapes.push(...all.map((t) => t.shape.join()));
    return all;
  });
  expect(shapes).toEqual(['1,4', '1,1,1,1', '1,1,1,1', '1,1,1,1']);
  expect(values.map((v) => [...v])).toEqual([[1, 2, 3, 4], [4], [2.5], [2.5]]);
});
