import { afterEach, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { Generator } from '../../../../src/pix2pix/models/generators/tutorial.ts';
import { PRESETS } from '../../../../src/pix2pix/train/config/config.ts';
import { checkMemory, estimatePrediction, estimateTraining } from '../../../../src/pix2pix/train/memory/estimate.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { Predictor } from '../../../../src/pix2pix/train/steps/predictor.ts';
import { openTestDevice } from '../../../device.ts';
import { tinyConfig } from '../tiny.ts';

let device: Device;
afterEach(() => device.destroy());

it('states to the byte what training takes on the device, without allocating anything', async () => {
  device = await openTestDevice();
  const others = [tinyConfig({ batch: 1, width: 32, reuseFake: true }), tinyConfig({ ema: 0.9 })];
  for (const config of [tinyConfig(), ...others]) {
    const before = device.memory.bytes;
    const need = await estimateTraining(device, config);
    expect(device.memory.bytes).toBe(before);
    const model = new Pix2Pix(device, config);
    expect(device.memory.bytes - before).toBe(need.state);
    await model.prepare();
    await model.predict(new Float32Array(model.condition.size), config.batch, config.height, config.width);
    const one = model.condition.size / config.batch;
    await model.predict(new Float32Array(one), 1, config.height, config.width);
    expect(device.memory.bytes - before).toBe(need.state + need.temporaries);
    expect(need.total).toBe(need.state + need.temporaries + need.copy);
  }
});

it('states to the byte what a prediction takes', async () => {
  device = await openTestDevice();
  const need = await estimatePrediction(device, tinyConfig(), 24, 40);
  const before = device.memory.bytes;
  const rng = new Rng(device, 0);
  const generator = new Generator(device, tinyConfig().generator, rng);
  const predictor = new Predictor(device, generator);
  await predictor.predict(new Float32Array(3 * 24 * 40), 1, 24, 40);
  expect(device.memory.bytes - before).toBe(need.state + need.temporaries);
  const full = device.memory.bytes;
  await predictor.predict(new Float32Array(3 * 16 * 16), 1, 16, 16);
  for (let i = 1; i <= 5; i++) await predictor.predict(new Float32Array(3 * 16 * 16 * i), 1, 16, 16 * i);
  // Only the programs used last are kept, so that a folder of many sizes does not fill the memory.
  predictor.destroy();
  expect(device.memory.bytes - before).toBe(need.state);
  expect(full).toBeGreaterThan(device.memory.bytes);
});

it('refuses a training that does not fit, at once and before any allocation, and says what to reduce', async () => {
  device = await openTestDevice({ memoryBudget: 2 ** 30 });
  const huge = { ...PRESETS.tutorial, generator: { ...PRESETS.tutorial.generator, hidden: 512 } };
  const start = performance.now();
  const need = await estimateTraining(device, huge);
  // 256 times the 117 M parameters of the default, with Adam's two averages: 12 bytes each.
  expect(need.obstacle).toMatch(/does not fit|workgroups/);
  expect(need.state / (256 * 117_430_211 * 12)).toBeCloseTo(1, 1);
  expect(() => checkMemory(device, need, 'training this model', '--ngf (512 now)')).toThrow(PixtapeError);
  expect(() => checkMemory(device, need, 'training this model', '--ngf (512 now)')).toThrow(
    /training this model takes more than \d.* GiB .*weights.*more for temporaries.* 1\.0 GiB are free.*\n.*Nothing was allocated\. Reduce --ngf/s,
  );
  expect(performance.now() - start).toBeLessThan(5000);
  expect(device.memory.peak).toBe(0);
});
