/** @module-tag long */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { closeAdapter } from '../../../../../src/drivers/index.ts';
import type { Device, DeviceOptions } from '../../../../../src/engine/gpu/device.ts';
import { convTuning } from '../../../../../src/engine/ops/conv/tuning/tuning.ts';
import { decodeSafetensors } from '../../../../../src/engine/util/safetensors.ts';
import { runReference } from '../../../../../tools/pytorch/reference.ts';
import { openTestDevice } from '../../../../device.ts';
import { check } from '../../check.ts';
import type { OpRow } from '../../table_row.ts';
import { convolutions } from '../table_conv.ts';
import { anyProblem, largestError, problem } from './problem.ts';

/**
 * Per variant, the largest allowed error against float64 in units of the largest result, for up to 256 channels of
 * uniformly random values: the figures in winograd.ts, with some margin.
 */
const LARGEST_ERROR = { winograd4: 1.2e-5, winograd_rows: 3e-6 };

const NAMES = Object.keys(LARGEST_ERROR) as (keyof typeof LARGEST_ERROR)[];
const FIXTURES = ['depth3-batch4', 'depth5-batch1'];
const RUNS = Number(process.env.OP_RUNS ?? 10);

const [conv, activated, transposed] = convolutions as [OpRow, OpRow, OpRow];

afterAll(closeAdapter);

const problems = anyProblem(1);

describe.each(NAMES)('%s', (name) => {
  test(
    'odd shapes, every padding, forward and gradients',
    () =>
      using({ guards: true }, async (device) => {
        await fc.assert(
          fc.asyncProperty(problems, fc.nat(), (p, seed) => check(device, conv, p, seed)),
          { numRuns: RUNS, seed: 3 },
        );
        await check(device, conv, problem([2, 33, 13, 18], [35, 33, 3, 3], 35, [1, 1]), 1, true);
        await check(device, conv, problem([1, 40, 2, 3], [7, 40, 3, 3], undefined, [2, 2]), 2, true);
        await check(device, activated, problem([1, 20, 7, 10], [18, 20, 3, 3], 18, [1, 1]), 3, true);
        await check(device, transposed, problem([1, 10, 6, 7], [10, 12, 3, 3], 12, [1, 0]), 4, true);
      }),
    240_000,
  );

  test(
    'weights larger than one binding',
    () =>
      using({ guards: true, maxBinding: 12 * 1024 }, async (device) => {
        await check(device, conv, problem([1, 32, 6, 7], [24, 32, 3, 3], 24, [1, 1]), 3, true);
        await check(device, transposed, problem([1, 24, 6, 7], [24, 32, 3, 3], 32, [1, 1]), 4, true);
      }),
    120_000,
  );

  test.each([32, 256])(
    'rounding over %i channels stays within what conv_winograd.ts says',
    (inC) =>
      using({}, async (device) => {
        expect(await largestError(device, inC)).toBeLessThan(LARGEST_ERROR[name]);
      }),
    120_000,
  );

  test.each(FIXTURES)(
    'fixture %s stays within its tolerances',
    (fixture) =>
      using({}, async (device) => {
        const path = fileURLToPath(new URL(`../../../../fixtures/${fixture}.safetensors`, import.meta.url));
        const { metadata, tensors } = decodeSafetensors(new Uint8Array(readFileSync(path)), fixture);
        const groups = await runReference(device, metadata, tensors, fixture);
        expect(groups.filter(({ ok }) => !ok)).toEqual([]);
        for (const group of groups.filter(({ tensors }) => tensors === 1)) expect(group.noisy, group.name).toEqual([]);
      }),
    120_000,
  );

  /** Runs `body` on a device for which this variant is requested, and checks that it was used where it is supported. */
  async function using(options: DeviceOptions, body: (device: Device) => Promise<void>): Promise<void> {
    const device = await openTestDevice({ ...options, algorithm: name });
    try {
      await body(device);
      const taken = [...convTuning(device).taken.values()].some(({ choice }) => choice.startsWith(`${name} `));
      expect(taken, `${name} on ${device.description}`).toBe(device.capabilities.cpu);
    } finally {
      device.destroy();
    }
  }
});

test('64 channels at once', async () => {
  const device = await openTestDevice({ algorithm: 'winograd_rows 64' });
  try {
    expect(await largestError(device, 256)).toBeLessThan(LARGEST_ERROR.winograd_rows);
    const taken = [...convTuning(device).taken.values()].filter(({ choice }) => choice === 'winograd_rows 64').length;
    expect(taken, 'where 16 lanes share the work').toBe(device.capabilities.subgroupSize === 16 ? 2 : 0);
  } finally {
    device.destroy();
  }
}, 240_000);
