/**
 * Node's half of the round trip, on SwiftShader. `begin FILE PAIRS STEPS` trains a small model and saves it. `go_on
 * FILE PAIRS STEPS` continues to that step and prints the state's hash. `repeat FILE PAIRS` repeats the file's whole
 * run to the end of its epochs, and prints the hash, too. `hash FILE` prints a file's.
 */

import { closeAdapter } from '../../../src/drivers/index.ts';
import { openDevice } from '../../../src/drivers/open_device.ts';
import type { NamedTensor } from '../../../src/engine/util/safetensors.ts';
import { readSafetensors } from '../../../src/files/files.ts';
import { BatchLoader } from '../../../src/pix2pix/data/sets/batches.ts';
import type { DataOptions } from '../../../src/pix2pix/data/sets/dataset.ts';
import { openDataset } from '../../../src/pix2pix/data/sources/open.ts';
import {
  loadCheckpoint,
  readCheckpointHeader,
  saveCheckpoint,
} from '../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { captureState } from '../../../src/pix2pix/train/checkpoint/state.ts';
import { PRESETS } from '../../../src/pix2pix/train/config/config.ts';
import { scheduledSteps } from '../../../src/pix2pix/train/config/rates.ts';
import { Pix2Pix } from '../../../src/pix2pix/train/steps/pix2pix.ts';
import { hashState } from '../page/ten_steps.ts';

const config = {
  ...PRESETS.tutorial,
  generator: { ...PRESETS.tutorial.generator, hidden: 2, depth: 2 },
  discHidden: 2,
  width: 16,
  height: 16,
  batch: 2,
  seed: 3,
  // More than any machine computes before the page is told to pause.
  epochs: 1_000_000,
} as const;
const data = {
  data: 'folder',
  direction: 'BtoA',
  resize: 'nearest',
  flip: true,
  jitter: true,
  skipBad: false,
} as const;

/** @param steps in all; if omitted, those of the configuration's epochs */
async function train(model: Pix2Pix, pairs: string, asked?: number, how: object = data): Promise<void> {
  const { width, height, batch, seed } = model.config;
  const options = { ...how, dataroot: pairs, width, height, seed, warn: console.error } as DataOptions;
  const loader = new BatchLoader((await openDataset(options)).train, { batchSize: batch, seed });
  const steps = asked ?? scheduledSteps(model.config, loader.stepsPerEpoch);
  await model.prepare();
  while (model.step < steps) {
    const next = await loader.batch(model.step);
    model.train(next, model.step / loader.stepsPerEpoch);
  }
}

const [command, file = '', pairs = '', steps] = process.argv.slice(2);
if (command === 'hash') {
  const source = await readSafetensors(file);
  const tensors = new Map<string, NamedTensor>();
  for (const name of source.entries.keys()) tensors.set(name, await source.read(name));
  await source.close();
  console.log(await hashState(tensors));
} else if (command === 'repeat') {
  const device = await openDevice('swiftshader');
  const { config: same, run } = await readCheckpointHeader(file);
  const model = new Pix2Pix(device, same);
  await train(model, pairs, undefined, run.data as object);
  console.log(model.step);
  console.log(await hashState(await captureState(model)));
  device.destroy();
  closeAdapter();
} else {
  const device = await openDevice('swiftshader');
  const model = command === 'begin' ? new Pix2Pix(device, config) : (await loadCheckpoint(device, file)).model;
  await train(model, pairs, Number(steps));
  if (command === 'begin')
    await saveCheckpoint(file, model, { preset: 'tutorial', data: { ...data, dataroot: pairs } });
  console.log(await hashState(await captureState(model)));
  device.destroy();
  closeAdapter();
}
