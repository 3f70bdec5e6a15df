/** @module-tag long */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import { captureState } from '../../../../src/pix2pix/train/checkpoint/state.ts';
import { PRESETS, type TrainConfig } from '../../../../src/pix2pix/train/config/config.ts';
import { estimateTraining } from '../../../../src/pix2pix/train/memory/estimate.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { tinyConfig } from '../tiny.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

const CONFIGS: Record<string, TrainConfig> = {
  // Dropout, one norm at two places, two forwards per step: everything that must not be counted or drawn twice.
  tutorial: tinyConfig({ generator: { ...tinyConfig().generator, dropout: 0.5 } }),
  unet: {
    ...PRESETS.paper,
    generator: { ...PRESETS.paper.generator, hidden: 2, depth: 5 },
    discHidden: 2,
    width: 32,
    height: 32,
    batch: 2,
  },
};

describe.each(Object.entries(CONFIGS))('%s', (_, config) => {
  test('three steps with recomputation leave the same bits', async () => {
    const states = [];
    for (const recompute of [false, true]) {
      const model = new Pix2Pix(device, { ...config, recompute });
      await model.prepare();
      const random = new RandomStream(3, 1);
      const values = (n: number) => Float32Array.from({ length: n }, () => random.uniform());
      for (let i = 0; i < 3; i++) {
        model.train({ real: values(model.real.size), condition: values(model.condition.size) }, 0);
      }
      const losses = await model.lossesSince(0);
      states.push({ losses, state: [...(await captureState(model))].map(([name, { data }]) => [name, data]) });
    }
    expect(states[1]).toEqual(states[0]);
  });
});

test("large pictures take less memory, by the planner's account", async () => {
  // At 512 the gradients of the weights, which both have, are most of it.
  const config = { ...PRESETS.tutorial, batch: 1, width: 1024, height: 1024 };
  const plain = await estimateTraining(device, config);
  const less = await estimateTraining(device, { ...config, recompute: true });
  expect(less.state).toBe(plain.state);
  expect(less.temporaries).toBeLessThan(0.8 * plain.temporaries);
});
