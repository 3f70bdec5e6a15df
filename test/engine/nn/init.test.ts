import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { initWeights } from '../../../src/engine/nn/init/init.ts';
import { BatchNorm2d, Conv2d } from '../../../src/engine/nn/layers.ts';
import { Module } from '../../../src/engine/nn/module.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

class Layers extends Module {
  readonly conv = new Conv2d(device, 32, 64, 3);
  readonly norm = new BatchNorm2d(device, 256);
}

const spread = (values: Float32Array) => {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) };
};

it.each([
  ['normal', 0.02],
  ['he', Math.sqrt(2 / (32 * 9))],
] as const)('%s weights have a deviation of %d', async (weights, wanted) => {
  const layers = new Layers();
  initWeights(layers, { seed: 3, stream: 1, normMean: 1, weights, biases: 'zero' });
  const conv = spread(await layers.conv.weight.read());
  expect(Math.abs(conv.mean)).toBeLessThan(0.05 * wanted);
  expect(conv.deviation / wanted).toBeCloseTo(1, 1);
  const norm = spread(await layers.norm.weight.read());
  expect(Math.abs(norm.mean - 1)).toBeLessThan(0.01);
  expect(norm.deviation).toBeCloseTo(0.02, 2);
  expect((await layers.conv.bias?.read())?.every((v) => v === 0)).toBe(true);
});
