import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Device, type DeviceOptions } from '../../src/gpu/device.ts';
import { closeAdapter, openAdapter } from '../../src/gpu/drivers/index.ts';
import { check } from './check.ts';
import { convolutions } from './table_conv.ts';

/** Every way of computing a convolution passes what the device's own choice passes in `ops.test.ts`. */
const VARIANTS: Record<string, DeviceOptions> = {
  'the direct reference kernel': { convolution: 'direct' },
  'matrix products through workgroup memory': { convolution: 'gemm' },
};

const RUNS = Number(process.env.OP_RUNS ?? 30);

afterAll(closeAdapter);

describe.each(Object.entries(VARIANTS))('%s', (_, options) => {
  test.each(convolutions.map((row) => [row.name, row] as const))(
    '%s',
    async (_, row) => {
      const device = await open({ ...options, guards: true });
      try {
        const property = fc.asyncProperty(row.problem, fc.nat(), (problem, seed) => check(device, row, problem, seed));
        await fc.assert(property, { numRuns: RUNS, seed: 2 });
        for (const problem of row.large ?? []) await check(device, row, problem, 1, true);
      } finally {
        device.destroy();
      }
    },
    240_000,
  );
});

describe('weights larger than one binding', () => {
  const [forward, , transposed] = convolutions;
  const args = { stride: [1, 1], padding: [1, 1], outputPadding: [0, 0] };
  // 24 × 32 × 3 × 3 floats are 27 KiB; the pictures stay below the limit.
  const problem = { shapes: [[1, 32, 6, 7], [24, 32, 3, 3], [24]], args };
  test.each(['auto', 'gemm'] as const)(
    '%s: taken in slices, forward and backward',
    async (convolution) => {
      const device = await open({ convolution, maxBinding: 12 * 1024, guards: true });
      try {
        await check(device, forward as (typeof convolutions)[0], problem, 3, true);
        const turned = { shapes: [[1, 24, 6, 7], [24, 32, 3, 3], [32]], args };
        await check(device, transposed as (typeof convolutions)[0], turned, 4, true);
      } finally {
        device.destroy();
      }
    },
    120_000,
  );

  test('the direct kernel says that it cannot', async () => {
    const device = await open({ convolution: 'direct', maxBinding: 12 * 1024, guards: true });
    await expect(check(device, forward as (typeof convolutions)[0], problem, 3)).rejects.toThrow(/can bind/);
    device.destroy();
  });
});

async function open(options: DeviceOptions): Promise<Device> {
  const { adapter, description } = await openAdapter();
  return Device.open(adapter, description, options);
}
