import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { dryRunDevice } from '../../../../src/engine/gpu/dry_run.ts';
import { Program } from '../../../../src/engine/gpu/program.ts';
import { PRESETS } from '../../../../src/pix2pix/train/config/config.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { ranksInOne } from '../../../../tools/pytorch/ranks_in_one.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

/**
 * The number of dispatches of a training step, and its memory relative to the lower bound of any plan. Small steps on a
 * GPU wait for their dispatches, so an increase should be noticed. Nothing is computed: the numbers are the same on
 * every machine.
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

// A strided convolution needs the sum of its parts at once, to rearrange it. That must not keep the sums that wait from
// being placed beside the other gradients.
test.each(['unet', 'resize_unet'] as const)(
  '%s with strided convolutions: each network is updated at once',
  async (netG) => {
    const dry = await dryRunDevice(device, { boundless: true });
    const generator = { ...PRESETS.paper.generator, hidden: 16, depth: 5 };
    const config = { ...PRESETS.quick, netG, netD: 'pixel', generator } as const;
    const { program } = await new Pix2Pix(dry, config, { initialise: false }).prepare();
    expect(program.listing.filter(({ label }) => label === 'adam')).toHaveLength(2);
  },
);

test.each([
  { preset: 'quick', cpu: true },
  { preset: 'quick', cpu: false },
  { preset: 'tutorial', cpu: false },
] as const)(
  '$preset on several ranks, CPU $cpu: most gradients leave before the backward pass ends',
  async ({ preset, cpu }) => {
    const dry = await dryRunDevice(device, { boundless: true });
    if (!cpu) Object.assign(dry.capabilities, { cpu, subgroupSize: 0 });
    const cut = vi.spyOn(Program.prototype, 'cut');
    const model = new Pix2Pix(dry, PRESETS[preset], { initialise: false, ranks: ranksInOne(2)[0] });
    await model.prepare();
    const cuts = cut.mock.calls.map(([, storages, at]) => ({
      at,
      bytes: storages.reduce((sum, { bytes }) => sum + bytes, 0),
    }));
    cut.mockRestore();

    // An average is some buckets, and a cut at the end at which all of them come back.
    const weights = 4 * model.generator.parameterCount;
    const end = cuts.findIndex(({ at, bytes }) => at === undefined && bytes === weights);
    const begin = cuts.slice(0, end).findLastIndex(({ at }) => at === undefined) + 1;
    const buckets = cuts.slice(begin, end);
    expect(buckets.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(weights);
    expect(buckets.length).toBeGreaterThanOrEqual(4);
    expect(buckets.at(-1)?.bytes).toBeLessThan(0.1 * weights);
  },
);
