import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { dryRunDevice } from '../../../../src/engine/gpu/dry_run.ts';
import { PRESETS } from '../../../../src/pix2pix/train/config/config.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

/**
 * How many dispatches a training step is, and how far its memory is above what no plan can do without. Small steps wait for
 * their dispatches on a GPU, so none should come back unnoticed. Nothing is computed: the counts are the same on any machine.
 */

let device: Device;

beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

test.each([
  { preset: 'quick', dispatches: 220, memory: 1.08 },
  { preset: 'tutorial', dispatches: 394, memory: 1.04 },
] as const)('$preset on a GPU: $dispatches dispatches at most', async ({ preset, dispatches, memory }) => {
  const gpu = await dryRunDevice(device, { boundless: true });
  Object.assign(gpu.capabilities, { cpu: false, subgroupSize: 0 });
  const model = new Pix2Pix(gpu, PRESETS[preset], { initialise: false });
  const state = gpu.memory.bytes;
  const { program } = await model.prepare();
  expect(program.dispatchCount).toBeLessThanOrEqual(dispatches);
  expect(gpu.memory.peak / (state + (program.plan?.lowerBound ?? 0))).toBeLessThanOrEqual(memory);
});
