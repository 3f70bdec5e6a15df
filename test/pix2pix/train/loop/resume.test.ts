/** @module-tag long */
import { appendFile, copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { loadCheckpoint } from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { PRESETS } from '../../../../src/pix2pix/train/config/config.ts';
import { readLog } from '../../../../src/pix2pix/train/loop/folder/log.ts';
import type { RunOptions } from '../../../../src/pix2pix/train/loop/run.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { openTestDevice } from '../../../device.ts';
import { bits, madeUpPairs, temporaryFolders, tinyConfig, train } from '../tiny.ts';

vi.setConfig({ testTimeout: 240_000 });
const folder = temporaryFolders();
const devices: Device[] = [];
async function open(): Promise<Device> {
  devices.push(await openTestDevice());
  return devices.at(-1) as Device;
}
afterEach(() => {
  for (const device of devices.splice(0)) device.destroy();
});

/** The log without times, and without measurements: a run measures at its end, and its first part has its own end. */
async function losses(path: string) {
  const lines = await readLog(join(path, 'log.jsonl'));
  return lines.map(({ imagesPerSecond: _, seconds: __, testL1: ___, ...rest }) => rest);
}

async function resume(path: string, options: Partial<RunOptions>) {
  const device = await open();
  const { model } = await loadCheckpoint(device, join(path, 'latest.safetensors'));
  return train(device, path, { ...options, resumed: true }, { model });
}

const quick = {
  ...PRESETS.quick,
  generator: { ...PRESETS.quick.generator, hidden: 2, depth: 2 },
  width: 16,
  height: 16,
};
const smallUnet = {
  generator: { ...PRESETS.paper.generator, hidden: 2, depth: 6 },
  discHidden: 2,
  width: 64,
  height: 64,
};
const models = {
  tutorial: tinyConfig(),
  'decaying rates': tinyConfig({ epochs: 1, epochsDecay: 3, batch: 5 }),
  'rates in steps': tinyConfig({ lrPolicy: 'step', lrDecayIters: 1, batch: 5 }),
  'rates along a cosine': tinyConfig({ lrPolicy: 'cosine', epochs: 3, batch: 5 }),
  quick: { ...quick, batch: 3 },
  paper: { ...PRESETS.paper, ...smallUnet, batch: 2 },
  'L1 alone': { ...PRESETS.paper, ...smallUnet, ganMode: 'none' as const, norm: 'instance' as const },
};

it.each(Object.entries(models))('continues bit for bit as if never stopped: %s', async (_, config) => {
  const [whole, parts] = [folder(), folder()];
  const device = await open();
  const straight = await train(device, whole, { steps: 6, sampleEvery: 3 }, { model: new Pix2Pix(device, config) });
  const other = await open();
  await train(other, parts, { steps: 3, sampleEvery: 3 }, { model: new Pix2Pix(other, config) });
  const resumed = await resume(parts, { steps: 6, sampleEvery: 3 });

  expect(resumed.model.step).toBe(6);
  expect(await bits(resumed.model)).toEqual(await bits(straight.model));
  expect(await losses(parts)).toEqual(await losses(whole));
  expect((await losses(parts)).map((line) => line.step)).toEqual([1, 2, 3, 4, 5, 6]);
  for (const step of [3, 6]) {
    const png = `samples/step-00000${step}.png`;
    expect(Buffer.compare(await readFile(join(parts, png)), await readFile(join(whole, png)))).toBe(0);
  }
  expect(resumed.result.testL1).toBe(straight.result.testL1);
});

it('a plateau continues bit for bit from the middle of an epoch, and its rate falls', async () => {
  const { generator } = tinyConfig();
  // At this rate nothing improves: a plateau from the first epoch on. An epoch has two steps.
  const still = { lr: 1e-12, lrDisc: 1e-12, batch: 5, generator: { ...generator, dropout: 0 } };
  const config = tinyConfig({ ...still, lrPolicy: 'plateau', epochs: 9 });
  const [whole, parts] = [folder(), folder()];
  const device = await open();
  const straight = await train(device, whole, { steps: 17, logEvery: 100 }, { model: new Pix2Pix(device, config) });
  expect(straight.model.plateau?.factor).toBe(0.2);
  expect(straight.model.optimG.lr).toBeCloseTo(0.2e-12, 24);
  const other = await open();
  const first = await train(other, parts, { steps: 13, logEvery: 3 }, { model: new Pix2Pix(other, config) });
  expect(first.model.plateau?.factor).toBe(1);
  const resumed = await resume(parts, { steps: 17, logEvery: 5 });
  expect(await bits(resumed.model)).toEqual(await bits(straight.model));
});

it('removes what a killed run did after its last checkpoint', async () => {
  const [whole, early, killed] = [folder(), folder(), folder()];
  await train(await open(), whole, { steps: 4 });
  await train(await open(), early, { steps: 2 });
  await train(await open(), killed, { steps: 5 });
  // As a run leaves it that was killed in step 6: the checkpoint of step 2, log and picture of step 5, half a line.
  await copyFile(join(early, 'latest.safetensors'), join(killed, 'latest.safetensors'));
  await appendFile(join(killed, 'log.jsonl'), '{"step":6,"epo');
  await writeFile(join(killed, 'samples', 'notes.txt'), 'mine');
  expect((await readdir(join(killed, 'samples'))).sort()).toEqual(['notes.txt', 'step-000005.png']);

  const { model } = await resume(killed, { steps: 4 });
  expect(model.step).toBe(4);
  expect((await readdir(join(killed, 'samples'))).sort()).toEqual(['notes.txt', 'step-000004.png']);
  expect(await losses(killed)).toEqual(await losses(whole));
});

it('predicts the same after a restart, and does not change the state', async () => {
  const device = await open();
  const path = folder();
  const { model } = await train(device, path, { steps: 3 });
  const before = await bits(model);
  const { condition } = await madeUpPairs(1).pair(0);
  const painted = await model.predict(condition, 1, 16, 16);
  expect(await bits(model)).toEqual(before);
  const other = await open();
  const { model: restored } = await loadCheckpoint(other, join(path, 'latest.safetensors'));
  expect(await restored.predict(condition, 1, 16, 16)).toEqual(painted);
});
