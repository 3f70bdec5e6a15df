import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { BatchNorm2d } from '../../../../src/engine/nn/layers.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { createGenerator } from '../../../../src/pix2pix/models/networks.ts';
import { Predictor } from '../../../../src/pix2pix/train/steps/predictor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { deviation, noise, randomGenerator } from '../checkpoint/random_generator.ts';
import { tinyConfig } from '../tiny.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

const { generator: sizes } = tinyConfig();
const condition = noise(3 * 256, 3);
const norms = (generator: ReturnType<typeof createGenerator>) =>
  generator.modules().flatMap(([, module]) => (module instanceof BatchNorm2d ? [module] : []));

it('a norm that serves two places uses each picture’s own statistics, without dropout', async () => {
  const config = tinyConfig({ generator: { ...sizes, dropout: 0 } });
  const { generator, predictor, tensors } = await randomGenerator(device, config);
  const painted = await predictor.predict(condition, 1, 16, 16);
  // Training mode uses the same statistics for a batch of one. It updates the running ones, which only evaluation
  // reads.
  const rng = new Rng(device, 0);
  const training = new Predictor(device, generator, { sampling: rng });
  const want = await training.predict(condition, 1, 16, 16);
  expect(deviation(painted, want)).toBeLessThan(1e-5);
  expect(await predictor.predict(condition, 1, 16, 16)).toEqual(painted);

  // With dropout in the configuration, the same weights predict the same: dropout is off.
  const dropping = createGenerator(device, tinyConfig(), rng);
  dropping.loadStateDict(tensors);
  expect(await new Predictor(device, dropping).predict(condition, 1, 16, 16)).toEqual(painted);
});

it('evaluation mode uses the running statistics, as norms of one place do by default', async () => {
  for (const [sharedNorm, statistics] of [
    [true, 'running'],
    [false, undefined],
    [false, 'own'],
    [true, undefined],
  ] as const) {
    const { generator } = await randomGenerator(device, tinyConfig({ generator: { ...sizes, sharedNorm } }));
    const predictor = new Predictor(device, generator, statistics ? { statistics } : {});
    const before = await predictor.predict(condition, 1, 16, 16);
    for (const { runningMean } of norms(generator)) runningMean.write(new Float32Array(runningMean.size).fill(0.7));
    const own = statistics === 'own' || (sharedNorm && statistics === undefined);
    const after = await predictor.predict(condition, 1, 16, 16);
    if (own) expect(after).toEqual(before);
    else expect(after).not.toEqual(before);
    expect(norms(generator).some(({ perPicture, training }) => perPicture || !training)).toBe(false);
  }
});

it('leaves only the bias of a plane of one pixel', async () => {
  // The deepest level of a 4 × 4 picture has one pixel.
  const { predictor } = await randomGenerator(device, tinyConfig());
  const [a, b] = [noise(48, 1), noise(48, 2)];
  const [one, other] = [await predictor.predict(a, 1, 4, 4), await predictor.predict(b, 1, 4, 4)];
  expect(one.every((value) => value > 0 && value < 1)).toBe(true);
  expect(await predictor.predict(Float32Array.of(...b, ...a), 2, 4, 4)).toEqual(Float32Array.of(...other, ...one));
});
