/** @module-tag long */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { conv2d } from '../../../../src/engine/ops/conv/conv2d.ts';
import { add, mul } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { maxPool2d } from '../../../../src/engine/ops/resample/max_pool.ts';
import { backward, grad } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

/**
 * Compares fused gradients (a bias's in its weight's pass, a leaky ReLU's in the pass of the next operation) with the
 * same gradients in separate passes. Pictures are large enough to have their own parts.
 */

/** Fuses what it can, or nothing. */
let fused: Device;
let apart: Device;

beforeAll(async () => {
  fused = await openTestDevice({ guards: true, algorithm: 'gemm' });
  apart = await openTestDevice({ guards: true, algorithm: 'direct' });
});
afterAll(() => {
  closeTestDevice(fused);
  closeTestDevice(apart);
});

const SHAPES = {
  x: [2, 3, 24, 26],
  w1: [18, 3, 3, 3],
  b1: [18],
  w2: [4, 18, 3, 3],
  b2: [4],
  w3: [2, 4, 1, 1],
  b3: [2],
};
const same = { padding: 1, slope: 0.2 };

function leaves(device: Device): Record<keyof typeof SHAPES, Tensor> {
  const made = Object.entries(SHAPES).map(([name, shape], k) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const tensor = Tensor.from(
      device,
      shape,
      Float32Array.from({ length: size }, (_, i) => Math.sin(k + 1.3 * i)),
      name,
    );
    tensor.requiresGrad = true;
    return [name, tensor];
  });
  return Object.fromEntries(made);
}

/**
 * conv, conv, max-pool, conv. With `twice` the results before the pool and the second convolution have a second user.
 */
function loss({ x, w1, b1, w2, b2, w3, b3 }: ReturnType<typeof leaves>, twice: boolean): Tensor {
  const first = conv2d(x, w1, b1, same);
  const second = conv2d(first, w2, b2, same);
  const y = conv2d(maxPool2d(second, 2), w3, b3);
  const all = sum(mul(y, y));
  return twice ? add(all, add(sum(mul(second, second)), sum(mul(first, first)))) : all;
}

interface Answer {
  gradients: Map<string, Float32Array>;
  labels: string[];
}

async function gradients(device: Device, twice: boolean, by: 'backward' | 'grad'): Promise<Answer> {
  const all = leaves(device);
  const recorded = await record(device, () => {
    const value = loss(all, twice);
    if (by === 'grad') return grad(value, Object.values(all));
    backward(value);
    return Object.values(all).map((leaf) => leaf.grad as Tensor);
  });
  recorded.run();
  const read = await Promise.all(recorded.outputs.map((t) => t.read()));
  expect(await recorded.program.brokenGuards()).toEqual([]);
  const labels = recorded.program.listing.map(({ label }) => label);
  recorded.destroy();
  return { gradients: new Map(Object.keys(all).map((name, i) => [name, read[i] as Float32Array])), labels };
}

const passesOfTheirOwn = (labels: readonly string[]) => labels.filter((l) => /^(leakyRelu\.dx|channel_sum)/.test(l));

function expectSame(got: Answer, want: Answer): void {
  for (const [name, values] of want.gradients) {
    const ours = got.gradients.get(name) as Float32Array;
    const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const off = values.reduce((most, v, i) => Math.max(most, Math.abs(v - (ours[i] as number))), 0);
    expect(off / largest, name).toBeLessThan(1e-5);
  }
}

test('a chain needs no separate pass for a bias or an activation', { timeout: 240_000 }, async () => {
  const got = await gradients(fused, false, 'backward');
  expect(passesOfTheirOwn(got.labels)).toEqual([]);
  expectSame(got, await gradients(apart, false, 'backward'));
});

test('a result with several users gets its gradient before the activation once, from the whole sum', async () => {
  const got = await gradients(fused, true, 'backward');
  expect(passesOfTheirOwn(got.labels)).toEqual(['leakyRelu.dx', 'leakyRelu.dx']);
  expectSame(got, await gradients(apart, true, 'backward'));
}, 240_000);

test('grad() gives the gradients of activations’ results', async () => {
  const all = leaves(fused);
  const recorded = await record(fused, () => {
    const first = conv2d(all.x, all.w1, all.b1, same);
    const y = conv2d(first, all.w2, all.b2);
    return { asked: grad(sum(mul(y, y)), [first]), y, expected: grad(sum(mul(y, y)), [all.x]) };
  });
  expect(recorded.program.listing.filter(({ label }) => label === 'leakyRelu.dx')).toHaveLength(1);
  recorded.destroy();
  expectSame(await gradients(fused, false, 'grad'), await gradients(apart, false, 'backward'));
}, 240_000);
