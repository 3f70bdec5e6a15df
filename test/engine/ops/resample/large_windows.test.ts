import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import type { Pair } from '../../../../src/engine/ops/pair.ts';
import { avgPool2d } from '../../../../src/engine/ops/resample/avg_pool.ts';
import { maxPool2d } from '../../../../src/engine/ops/resample/max_pool.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

/**
 * Each load in a shader's text takes a driver long to compile: 256 of them over a minute on lavapipe. Large windows use
 * loops, whose text does not grow with them.
 */

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

const operations: Record<string, (x: Tensor, kernel: Pair) => Tensor> = {
  maxPool2d: (x, kernel) => maxPool2d(x, kernel, 2),
  avgPool2d: (x, kernel) => avgPool2d(x, kernel, 2),
};

/** The length of the texts of an operation and its backward, which compile and run. */
async function textOf(operation: (x: Tensor, kernel: Pair) => Tensor, kernel: Pair): Promise<number> {
  const x = Tensor.zeros(device, [1, 1, 64, 64]);
  x.requiresGrad = true;
  const recorded = await record(device, () => {
    const y = operation(x, kernel);
    backward(y, y.detach());
    return x.grad as Tensor;
  });
  recorded.run();
  expect((await recorded.outputs.read()).every((v) => v === 0)).toBe(true);
  const { length } = recorded.program.kernels.map(({ code }) => code).join('');
  recorded.destroy();
  return length;
}

test.each(Object.entries(operations))(
  '%s of any window has a text as long',
  { timeout: 60_000 },
  async (_, operation) => {
    const small = await textOf(operation, 8);
    for (const kernel of [9, 16, 31, [31, 7]] as const) {
      expect(Math.abs((await textOf(operation, kernel)) / small - 1), String(kernel)).toBeLessThan(0.01);
    }
  },
);
