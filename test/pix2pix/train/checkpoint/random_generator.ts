import { expect } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import type { NamedTensor } from '../../../../src/engine/util/safetensors.ts';
import { createGenerator } from '../../../../src/pix2pix/models/networks.ts';
import type { TrainConfig } from '../../../../src/pix2pix/train/config/config.ts';
import { Predictor } from '../../../../src/pix2pix/train/steps/predictor.ts';

/** Numbers from 0 to 1, determined by the seed. */
export function noise(count: number, seed: number): Float32Array {
  const random = new RandomStream(seed, 1);
  return Float32Array.from({ length: count }, () => random.uniform());
}

/**
 * A generator with random values in every tensor, running statistics and biases included, so that an omitted or
 * exchanged layer shows in the prediction; and the same as its file has it.
 */
export async function randomGenerator(device: Device, config: TrainConfig) {
  const generator = createGenerator(device, config, new Rng(device, 0));
  const tensors = new Map<string, NamedTensor>();
  for (const [seed, { name, tensor, kind }] of generator.stateEntries().entries()) {
    if (kind === 'counter') {
      tensors.set(name, { dtype: 'I64', shape: [], data: BigInt64Array.of(3n) });
      continue;
    }
    const [, fanIn = 1, k = 1] = tensor.shape;
    // Factors between 0.5 and 1.5 for norms, and weights that preserve a signal's size.
    const factor = /running_var$/.test(name) || (tensor.shape.length === 1 && name.endsWith('weight'));
    const data = noise(tensor.size, seed).map((v) => (factor ? v + 0.5 : (4 * (v - 0.5)) / Math.sqrt(fanIn * k * k)));
    if (tensor.shape.length === 1 && !factor) for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) / 4;
    tensor.write(data);
    tensors.set(name, { dtype: 'F32', shape: [...tensor.shape], data });
  }
  return { generator, predictor: new Predictor(device, generator), tensors };
}

/** ‖got − want‖ relative to the variation of `want`: otherwise a uniformly grey picture would agree with everything. */
export function deviation(got: Float32Array, want: Float32Array): number {
  expect(got.length).toBe(want.length);
  const mean = want.reduce((sum, v) => sum + v, 0) / want.length;
  const square = (value: (i: number) => number) => want.reduce((sum, _, i) => sum + value(i) ** 2, 0);
  const variance = square((i) => (want[i] as number) - mean) / want.length;
  expect(variance, 'the picture should vary').toBeGreaterThan(0.05 ** 2);
  return Math.sqrt(square((i) => (got[i] as number) - (want[i] as number)) / want.length / variance);
}
