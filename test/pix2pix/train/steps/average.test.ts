import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { decodeSafetensors } from '../../../../src/engine/util/safetensors.ts';
import {
  loadGenerator,
  readCheckpointHeader,
  saveCheckpoint,
} from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { exportGenerator } from '../../../../src/pix2pix/train/checkpoint/export.ts';
import { captureState, generatorOf } from '../../../../src/pix2pix/train/checkpoint/state.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { Predictor } from '../../../../src/pix2pix/train/steps/predictor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { madeUpPairs, temporaryFolders, tinyConfig } from '../tiny.ts';

/** Averaged weights: their values, and that every prediction uses them. */
const folder = temporaryFolders();
let device: Device;
beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

const config = tinyConfig({ ema: 0.5, generator: { ...tinyConfig().generator, sharedNorm: false } });

async function stepped(model: Pix2Pix, steps: number, onStep: () => Promise<void> = async () => {}) {
  await model.prepare();
  const data = madeUpPairs(2);
  const [a, b] = [await data.pair(0), await data.pair(1)];
  const both = (x: Float32Array, y: Float32Array) => Float32Array.of(...x, ...y);
  for (let i = 0; i < steps; i++) {
    model.train({ condition: both(a.condition, b.condition), real: both(a.real, b.real) }, 0);
    await onStep();
  }
  return a.condition;
}

it('are the average of the weights after each step, running statistics included, and change no weight', async () => {
  const model = new Pix2Pix(device, config);
  const averaged = model.averaged!;
  const start = await model.generator.stateDict().get('conv_final.weight')!.read();
  expect(await averaged.stateDict().get('conv_final.weight')!.read()).toEqual(start);
  const names = ['conv1.weight', 'expanding_layers.0.batchnorm2.bias', 'expanding_layers.1.batchnorm.running_var'];
  const want = new Map<string, Float64Array>();
  let t = 0;
  await stepped(model, 4, async () => {
    t++;
    const rate = t === 1 ? 1 : 1 - Math.min(0.5, (1 + t) / (10 + t));
    for (const name of names) {
      const now = await model.generator.stateDict().get(name)!.read();
      const before = want.get(name) ?? Float64Array.from(now);
      want.set(
        name,
        before.map((value, i) => value + rate * (now[i]! - value)),
      );
    }
  });
  for (const name of names) {
    const got = await averaged.stateDict().get(name)!.read();
    for (const [i, value] of got.entries()) expect(value).toBeCloseTo(want.get(name)![i]!, 5);
    expect(got).not.toEqual(await model.generator.stateDict().get(name)!.read());
  }

  const plain = new Pix2Pix(device, { ...config, ema: 0 });
  await stepped(plain, 4);
  expect(plain.averaged).toBeUndefined();
  const [without, withAverage] = [await captureState(plain), await captureState(model)];
  for (const [name, tensor] of without) expect(withAverage.get(name), name).toEqual(tensor);
  const more = [...withAverage.keys()].filter((name) => !without.has(name));
  expect(more).toEqual([...averaged.stateDict().keys()].map((name) => `ema.${name}`));
});

it('predict: in training, from its checkpoint, and from an export', async () => {
  const model = new Pix2Pix(device, config);
  const condition = await stepped(model, 3);
  const painted = await model.predict(condition, 1, 16, 16);
  expect(await new Predictor(device, model.averaged!).predict(condition, 1, 16, 16)).toEqual(painted);
  expect(await new Predictor(device, model.generator).predict(condition, 1, 16, 16)).not.toEqual(painted);

  const path = join(folder(), 'latest.safetensors');
  await saveCheckpoint(path, model, {});
  const { generator } = await loadGenerator(device, path);
  expect(await new Predictor(device, generator).predict(condition, 1, 16, 16)).toEqual(painted);

  const state = await captureState(model);
  const own = generatorOf(state);
  expect([...own.keys()]).toEqual([...model.generator.stateDict().keys()]);
  expect(own.get('conv1.weight')).toEqual(state.get('ema.conv1.weight'));
  expect(own.get('conv1.weight')).not.toEqual(state.get('gen.conv1.weight'));
  const header = await readCheckpointHeader(path);
  const file = new Uint8Array(Buffer.concat(exportGenerator(header, own, { half: false })));
  expect(decodeSafetensors(file, 'exported').tensors.get('conv1.weight')).toEqual(state.get('ema.conv1.weight'));
});
