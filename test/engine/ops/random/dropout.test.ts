import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { mul } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { dropout } from '../../../../src/engine/ops/random/dropout.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { dropoutMask, philox } from './philox.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

const N = 40_000;

function ones(n = N): Tensor {
  const x = Tensor.from(device, [n], new Float32Array(n).fill(1), 'ones');
  x.requiresGrad = true;
  return x;
}

/** The share of positions at which two results are both kept or both dropped. */
function agreement(a: Float32Array, b: Float32Array): number {
  return a.reduce((same, v, i) => same + ((v === 0) === (b[i] === 0) ? 1 : 0), 0) / a.length;
}

test('the reference generator gives Random123’s known answers', () => {
  const hex = (words: number[]) => words.map((w) => w.toString(16).padStart(8, '0')).join(' ');
  expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  const all = 0xffffffff;
  expect(hex(philox([all, all, all, all], [all, all]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
  const pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
  expect(hex(philox(pi, [0xa4093822, 0x299f31d0]))).toBe('d16cfe09 94fdcceb 5001e420 24126ea1');
});

test.each([0.1, 0.5, 0.9])('rate %f: keep rate within five sigma, the kept ones scaled', async (rate) => {
  const recorded = await record(device, () => dropout(ones(), rate, new Rng(device, 3)));
  recorded.run();
  const y = await recorded.outputs.read();
  const kept = y.filter((v) => v !== 0);
  expect(Math.abs(kept.length - N * (1 - rate))).toBeLessThan(5 * Math.sqrt(N * rate * (1 - rate)));
  expect(kept.every((v) => Math.abs(v * (1 - rate) - 1) < 1e-6)).toBe(true);
  recorded.destroy();
});

test('every layer and every step has its own mask, which is that of the key', async () => {
  const rng = new Rng(device, 2 ** 40 + 5);
  const recorded = await record(device, () => [0, 1, 2].map(() => dropout(ones(), 0.5, rng)));
  const seen: Float32Array[] = [];
  for (const step of [0, 1, 2 ** 32, 2 ** 32 + 1]) {
    rng.setStep(step);
    recorded.run();
    for (const [layer, y] of recorded.outputs.entries()) {
      const values = await y.read();
      const mask = dropoutMask(N, 0.5, rng.seed, step, layer);
      expect(
        values.every((v, i) => v === 2 * (mask[i] as number)),
        `step ${step}, layer ${layer}`,
      ).toBe(true);
      seen.push(values);
    }
  }
  // Independent fair coins agree in half of the places; five sigma of 40,000 of them are 0.0125.
  seen.forEach((a, i) => {
    for (const b of seen.slice(i + 1)) expect(Math.abs(agreement(a, b) - 0.5)).toBeLessThan(0.0125);
  });
  recorded.destroy();
});

test('another seed gives another mask, the same key the same bits in another program', async () => {
  const draw = async (seed: number) => {
    const rng = new Rng(device, seed);
    rng.setStep(9);
    const recorded = await record(device, () => dropout(ones(), 0.5, rng));
    recorded.run();
    const values = await recorded.outputs.read();
    recorded.destroy();
    return values;
  };
  const first = await draw(1);
  expect(await draw(1)).toEqual(first);
  expect(Math.abs(agreement(first, await draw(2)) - 0.5)).toBeLessThan(0.0125);
  expect(Math.abs(agreement(first, await draw(2 ** 32 + 1)) - 0.5)).toBeLessThan(0.0125);
});

test('the backward draws the mask of the forward, layer by layer', async () => {
  const rng = new Rng(device, 11);
  rng.setStep(4);
  const x = ones(1001);
  const w = Tensor.from(
    device,
    [1001],
    Float32Array.from({ length: 1001 }, (_, i) => 1 + (i % 7)),
    'w',
  );
  const recorded = await record(device, () => {
    const first = dropout(x, 0.4, rng);
    const second = dropout(first, 0.3, rng);
    const y = mul(second, w);
    backward(y, Tensor.from(device, [1001], new Float32Array(1001).fill(1), 'dy'));
    return { second, dx: x.grad as Tensor };
  });
  recorded.run();
  const [y, dx, weights] = await Promise.all([recorded.outputs.second.read(), recorded.outputs.dx.read(), w.read()]);
  // With x = 1 the result is the product of both scaled masks.
  y.forEach((mask, i) => {
    expect(dx[i]).toBeCloseTo(mask * (weights[i] as number), 4);
  });
  expect(y.some((v) => v === 0) && y.some((v) => v > 0)).toBe(true);
  expect(await recorded.program.brokenGuards()).toEqual([]);
  recorded.destroy();
});

test('rate 0 is the tensor itself; rates outside [0, 1) and bad seeds are refused', async () => {
  const rng = new Rng(device, 1);
  await record(device, () => {
    const x = ones(3);
    expect(dropout(x, 0, rng)).toBe(x);
    for (const rate of [1, 1.5, -0.1, Number.NaN]) expect(() => dropout(x, rate, rng)).toThrow(/must be in \[0, 1\)/);
    return dropout(x, 0.5, rng);
  }).then((recorded) => recorded.destroy());
  for (const seed of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => new Rng(device, seed)).toThrow(/the seed is/);
});

test.each([2, 3, 8])('%d parts of a batch together have the mask of the whole', async (count) => {
  const n = 24 * 7;
  const whole = dropoutMask(n, 0.5, 11, 6, 0);
  const parts: number[] = [];
  for (let rank = 0; rank < count; rank++) {
    const rng = new Rng(device, 11, { rank, count });
    const recorded = await record(device, () => dropout(ones(n / count), 0.5, rng));
    rng.setStep(6);
    recorded.run();
    parts.push(...(await recorded.outputs.read()));
    expect(await recorded.program.brokenGuards()).toEqual([]);
    recorded.destroy();
  }
  expect(parts.map((v) => v !== 0)).toEqual(Array.from(whole, Boolean));
});
