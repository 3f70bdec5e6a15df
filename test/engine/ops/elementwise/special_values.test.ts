import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { conv2d } from '../../../../src/engine/ops/conv/conv2d.ts';
import {
  elu,
  gelu,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from '../../../../src/engine/ops/elementwise/activations.ts';
import { add, div, maximum, minimum, mul, neg, pow, sub } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { gt, where } from '../../../../src/engine/ops/elementwise/compare.ts';
import { abs, clamp, cos, exp, log, rsqrt, sin, sqrt } from '../../../../src/engine/ops/elementwise/functions.ts';
import { batchNorm } from '../../../../src/engine/ops/norm/batch_norm.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { readSafetensors } from '../../../../src/files/files.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { amount } from '../../../sets.ts';

/**
 * Values and gradients at the limits of float32, compared with PyTorch's: see tools/pytorch/python/special_fixtures.py.
 */

const FILE = fileURLToPath(new URL('../../../fixtures/special.safetensors', import.meta.url));

const operations: Record<string, (x: Tensor) => Tensor> = {
  relu,
  leakyRelu: (x) => leakyRelu(x, 0.2),
  sigmoid,
  tanh,
  gelu,
  geluTanh: (x) => gelu(x, 'tanh'),
  silu,
  softplus,
  elu,
  neg,
  abs,
  exp,
  log,
  sqrt,
  rsqrt,
  sin,
  cos,
  clamp: (x) => clamp(x, -1, 0.5),
  pow0: (x) => pow(x, 0),
  pow1: (x) => pow(x, 1),
  pow2: (x) => pow(x, 2),
  pow3: (x) => pow(x, 3),
  powMinus1: (x) => pow(x, -1),
  'pow2.5': (x) => pow(x, 2.5),
  '2pow': (x) => pow(2, x),
  add1: (x) => add(x, 1),
  '1sub': (x) => sub(1, x),
  mul2: (x) => mul(x, 2),
  mul0: (x) => mul(x, 0),
  '1div': (x) => div(1, x),
  div3: (x) => div(x, 3),
  maximum0: (x) => maximum(x, 0),
  minimum0: (x) => minimum(x, 0),
  where: (x) => where(gt(x, 0), x, 0),
};

/** Below the least normal number, which drivers may flush to 0. */
const small = (v: number) => Math.abs(v) < 2 ** -126;

const source = await readSafetensors(FILE);
let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(async () => {
  await source.close();
  closeTestDevice(device);
});

async function floats(name: string): Promise<Float32Array> {
  const { data } = await source.read(name);
  if (!(data instanceof Float32Array)) throw new Error(`${name} is not F32`);
  return data;
}

test('every operation of the file is tried', () => {
  const names = [...source.entries.keys()].filter((name) => name.endsWith('.y')).map((name) => name.slice(0, -2));
  expect(names.sort()).toEqual(Object.keys(operations).sort());
});

test.each(Object.keys(operations))('%s: NaN, infinities, zeros and denormal numbers', async (name) => {
  const values = await floats('x');
  const x = Tensor.from(device, [values.length], values, 'x');
  x.requiresGrad = true;
  const seeds = [1, Infinity].map((dy) => Tensor.from(device, x.shape, new Float32Array(x.size).fill(dy)));
  const recorded = await record(device, () => {
    const y = (operations[name] as (x: Tensor) => Tensor)(x);
    return [
      y,
      ...seeds.map((seed) => {
        x.grad = undefined;
        backward(y, seed);
        return x.grad as Tensor | undefined;
      }),
    ];
  });
  recorded.run();
  const wrong: string[] = [];
  const [result, slope] = [await floats(`${name}.y`), await floats(`${name}.dx`)];
  const zeros = [...values.keys()].filter((i) => values[i] === 0);
  // PyTorch's own float32 loses that much where 1 + erf cancels.
  const atol = name.startsWith('gelu') ? 1e-6 : 0;
  for (const [i, part] of ['y', 'dx', 'inf'].entries()) {
    const got = (await recorded.outputs[i]?.read()) as Float32Array;
    const want = await floats(`${name}.${part}`);
    want.forEach((w, j) => {
      const [g, x] = [got[j] as number, values[j] as number];
      if (Object.is(g, w) || (small(g) && small(w)) || Math.abs(g - w) <= 2e-6 * Math.abs(w) + atol) return;
      // Results of a number that was flushed to 0 may be those of 0.
      if (x !== 0 && small(x) && zeros.some((k) => Object.is(want[k], g))) return;
      const lost = [result[j], slope[j]].some((v) => v !== 0 && small(v as number));
      if (lost && (small(g) || Number.isNaN(g))) return;
      wrong.push(`${part}(${x}) = ${g}, PyTorch has ${w}`);
    });
  }
  expect(wrong).toEqual([]);
  recorded.destroy();
});

test.each(['direct', 'gemm', 'tile', 'fold', 'winograd_rows'].slice(0, amount(2, 5)))(
  'a convolution by %s that ends in a ReLU: dead units stay dead',
  async (algorithm) => {
    const own = await openTestDevice({ guards: true, algorithm });
    // Two channels, and a 3 × 3 kernel that is 0 but for its centre: −∞ comes from the bias, so that no product is 0 ·
    // ∞.
    const x = Tensor.from(own, [1, 1, 4, 4], new Float32Array(16).fill(1), 'x');
    const weight = Tensor.from(own, [3, 1, 3, 3], new Float32Array(27).fill(1), 'weight');
    const bias = Tensor.from(own, [3], [-Infinity, -100, 0], 'bias');
    for (const leaf of [x, weight, bias]) leaf.requiresGrad = true;
    const dy = Tensor.from(
      own,
      [1, 3, 4, 4],
      Float32Array.from({ length: 48 }, (_, i) => (i < 32 ? Infinity : 1)),
    );
    const recorded = await record(own, () => {
      const y = conv2d(x, weight, bias, { padding: 1, slope: 0 });
      backward(y, dy);
      return [y, x.grad, weight.grad, bias.grad].map((tensor) => tensor as Tensor);
    });
    recorded.run();
    const [y, dx, dw, db] = await Promise.all(recorded.outputs.map((tensor) => tensor.read()));
    expect([...(y as Float32Array).subarray(0, 32)]).toEqual(new Array(32).fill(0));
    expect((y as Float32Array)[37]).toBe(9);
    expect([...(db as Float32Array)]).toEqual([0, 0, 16]);
    expect([...(dw as Float32Array).subarray(0, 18)]).toEqual(new Array(18).fill(0));
    expect((dx as Float32Array)[5]).toBe(9);
    expect([...(dx as Float32Array)].every(Number.isFinite)).toBe(true);
    recorded.destroy();
    closeTestDevice(own);
  },
  180_000,
);

test('a batch norm that ends in a ReLU: dead units stay dead, NaN shows', async () => {
  const leaf = (shape: number[], values: number[]) => Tensor.from(device, shape, values);
  const x = leaf([1, 1, 1, 4], [-Infinity, -2, Number.NaN, 3]);
  x.requiresGrad = true;
  const [weight, bias, mean, variance] = [[1], [0], [0], [1]].map((values) => leaf([1], values));
  const dy = leaf([1, 1, 1, 4], [Infinity, Infinity, 1, 1]);
  const tracked = Tensor.zeros(device, [1], 'tracked', 'u32');
  const recorded = await record(device, () => {
    const y = batchNorm(x, weight!, bias!, mean!, variance!, tracked, { training: false, slope: 0 });
    backward(y, dy);
    return [y, x.grad as Tensor];
  });
  recorded.run();
  const [y, dx] = await Promise.all(recorded.outputs.map((tensor) => tensor.read()));
  expect([...y!].map((v) => Math.round(v))).toEqual([0, 0, Number.NaN, 3]);
  expect([...dx!].map((v) => Math.round(v))).toEqual([0, 0, 1, 1]);
  recorded.destroy();
});
