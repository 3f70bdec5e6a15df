/** @module-tag long */
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { defaultChoice } from '../../../../src/engine/ops/conv/tuning/choose.ts';
import { convCandidates } from '../../../../src/engine/ops/conv/tuning/registry.ts';
import { convTuning } from '../../../../src/engine/ops/conv/tuning/tuning.ts';
import { convolutionsOf, trainingStep } from '../../../../src/pix2pix/train/autotune/tune.ts';
import {
  loadCheckpoint,
  loadGenerator,
  readCheckpointHeader,
} from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import type { TuningRecord } from '../../../../src/pix2pix/train/checkpoint/tuning_record.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { Predictor } from '../../../../src/pix2pix/train/steps/predictor.ts';
import { openTestDevice, type TestDeviceOptions } from '../../../device.ts';
import { bits, madeUpPairs, temporaryFolders, tinyConfig, train } from '../tiny.ts';

vi.setConfig({ testTimeout: 120_000 });
const folder = temporaryFolders();
const devices: Device[] = [];
async function open(options: TestDeviceOptions = {}): Promise<Device> {
  devices.push(await openTestDevice(options));
  return devices.at(-1) as Device;
}
afterEach(() => {
  for (const device of devices.splice(0)) device.destroy();
});

/** For each convolution of the tiny training step, and of one prediction, a choice other than the default. */
async function otherTable(): Promise<Map<string, string>> {
  const device = await open();
  const convolutions = await convolutionsOf(device, async (paper) => {
    await trainingStep(tinyConfig())(paper);
    await new Predictor(paper, new Pix2Pix(paper, tinyConfig()).generator).program(1, 16, 16);
  });
  return new Map(
    convolutions.map(({ key, direction, g }) => {
      const own = defaultChoice(device, direction, g);
      const other = convCandidates(device, direction, g).findLast(({ name }) => name !== own.name);
      return [key, (other ?? own).name];
    }),
  );
}

it('continues bit for bit with its original kernels, and predicts with them', async () => {
  const table = await otherTable();
  const [whole, parts, plain] = [folder(), folder(), folder()];
  const model = async (options: TestDeviceOptions) => new Pix2Pix(await open(options), tinyConfig());
  const run = async (path: string, steps: number, options: TestDeviceOptions) => {
    const made = await model(options);
    return train(made.device, path, { steps }, { model: made });
  };
  const straight = await run(whole, 4, { table });
  await run(parts, 2, { table });

  const path = join(parts, 'latest.safetensors');
  const { run: record } = await readCheckpointHeader(path);
  const { adapter, choices } = record.tuning as TuningRecord;
  const device = await open();
  expect(adapter).toBe(device.description);
  expect(choices).toMatchObject(Object.fromEntries(table));

  // A device without a table uses the record's.
  const { model: loaded } = await loadCheckpoint(device, path);
  const resumed = await train(device, parts, { steps: 4, resumed: true, record }, { model: loaded });
  expect(resumed.model.step).toBe(4);
  expect(await bits(resumed.model)).toEqual(await bits(straight.model));
  expect((await readCheckpointHeader(path)).run.tuning).toEqual(record.tuning);

  const { condition } = await madeUpPairs(1).pair(0);
  const painted = await straight.model.predict(condition, 1, 16, 16);
  const { device: other, generator } = await (async () => {
    const fresh = await open();
    return { device: fresh, ...(await loadGenerator(fresh, join(whole, 'latest.safetensors'))) };
  })();
  expect(await new Predictor(other, generator).predict(condition, 1, 16, 16)).toEqual(painted);

  // Proves that the table mattered: other kernels add in another order.
  const usual = await run(plain, 4, {});
  if (device.capabilities.cpu) expect(await bits(usual.model)).not.toEqual(await bits(straight.model));
});

it("prefers a table given to the device to the record's", async () => {
  const table = await otherTable();
  const path = folder();
  await train(await open({ table }), path, { steps: 1 });
  const own = new Map<string, string>();
  const device = await open({ table: own });
  await loadCheckpoint(device, join(path, 'latest.safetensors'));
  expect(convTuning(device).table).toBe(own);
});
