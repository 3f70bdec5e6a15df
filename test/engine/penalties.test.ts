import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../src/engine/gpu/device.ts';
import { conv2d } from '../../src/engine/ops/conv/conv2d.ts';
import { gelu, leakyRelu, tanh } from '../../src/engine/ops/elementwise/activations.ts';
import { mul, pow, sub } from '../../src/engine/ops/elementwise/arithmetic.ts';
import { matmul } from '../../src/engine/ops/matmul/matmul.ts';
import { batchNorm } from '../../src/engine/ops/norm/batch_norm.ts';
import { instanceNorm } from '../../src/engine/ops/norm/instance_norm.ts';
import { layerNorm } from '../../src/engine/ops/norm/layer_norm.ts';
import { norm } from '../../src/engine/ops/reduce/moments.ts';
import { mean, sum } from '../../src/engine/ops/reduce/reduce.ts';
import { avgPool2d } from '../../src/engine/ops/resample/avg_pool.ts';
import { upsampleNearest } from '../../src/engine/ops/resample/upsample_nearest.ts';
import { pad } from '../../src/engine/ops/shape/pad.ts';
import { flatten } from '../../src/engine/ops/shape/reshape.ts';
import { backward, grad } from '../../src/engine/tape/autograd.ts';
import { record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import { readSafetensors } from '../../src/files/files.ts';
import { closeTestDevice, openTestDevice } from '../device.ts';

/** Losses that contain a gradient, compared with PyTorch's: see tools/pytorch/python/penalty_fixtures.py. */

const FILE = fileURLToPath(new URL('../fixtures/penalties.safetensors', import.meta.url));

const source = await readSafetensors(FILE);
let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(async () => {
  await source.close();
  closeTestDevice(device);
});

async function read(name: string): Promise<{ shape: readonly number[]; data: Float32Array }> {
  const { shape, data } = await source.read(name);
  if (!(data instanceof Float32Array)) throw new Error(`${name} is not F32`);
  return { shape, data };
}

async function leaf(name: string): Promise<Tensor> {
  const { shape, data } = await read(name);
  const tensor = Tensor.from(device, shape, data, name);
  tensor.requiresGrad = true;
  return tensor;
}

type Weights = Record<'first' | 'bias' | 'second' | 'weight' | 'shift' | 'last', Tensor>;

function critic(x: Tensor, w: Weights, kind: string): Tensor {
  let h = leakyRelu(conv2d(x, w.first, w.bias, { stride: 2, padding: 1 }), 0.2);
  h = conv2d(pad(h, [1, 1, 1, 1], 'reflect'), w.second);
  if (kind === 'instance') h = instanceNorm(h);
  if (kind === 'layer') h = layerNorm(h, h.shape.slice(1));
  if (kind === 'batch') {
    const [running, spread] = ['mean', 'variance'].map((name) => Tensor.zeros(device, w.weight.shape, name));
    const tracked = Tensor.zeros(device, [1], 'tracked', 'u32');
    h = batchNorm(h, w.weight, w.shift, running!, spread!, tracked, { training: true });
  }
  h = tanh(upsampleNearest(h, h.shape[2]! * 2, h.shape[3]! * 2));
  return matmul(flatten(gelu(avgPool2d(h, 2)), 1), w.last);
}

const kinds = ['none', 'instance', 'layer', 'batch'].flatMap((kind) =>
  ['wgan', 'r1'].map((name) => [kind, name] as const),
);

test.each(kinds)('a critic with the norm "%s", penalty %s: value and gradients', async (kind, name) => {
  const x = await leaf('x');
  const names = ['first', 'bias', 'second', 'weight', 'shift', 'last'] as const;
  const leaves = await Promise.all(names.map((w) => leaf(`w.${w}`)));
  const w = Object.fromEntries(names.map((w, i) => [w, leaves[i]])) as Weights;
  const recorded = await record(device, () => {
    const [g] = grad(sum(critic(x, w, kind)), [x], { createGraph: true }) as [Tensor];
    const flat = flatten(g, 1);
    const penalty = mean(name === 'wgan' ? pow(sub(norm(flat, 2, 1), 1), 2) : sum(mul(flat, flat), 1));
    backward(penalty);
    return { penalty, grads: leaves.map((leaf) => leaf.grad) };
  });
  recorded.run();
  const { penalty, grads } = recorded.outputs;
  const want = (await read(`${kind}.${name}.penalty`)).data[0] as number;
  expect(Math.abs(((await penalty.read())[0] as number) / want - 1)).toBeLessThan(1e-5);
  for (const [i, w] of names.entries()) {
    const key = `${kind}.${name}.grad.${w}`;
    if (!source.entries.has(key)) continue;
    const { data } = await read(key);
    const got = (await grads[i]?.read()) ?? new Float32Array(data.length);
    const off = Math.hypot(...data.map((v, k) => v - (got[k] as number)));
    expect(off, key).toBeLessThanOrEqual(2e-5 * Math.hypot(...data));
  }
  expect(await recorded.program.brokenGuards()).toEqual([]);
  recorded.destroy();
});

test('the gradient of one tensor computes no gradient of another', async () => {
  const x = Tensor.from(device, [2, 3], [1, 2, 3, 4, 5, 6], 'x');
  const w = Tensor.from(device, [3, 2], [1, 2, 3, 4, 5, 6], 'w');
  x.requiresGrad = true;
  const dispatches = async (learnt: boolean) => {
    w.requiresGrad = learnt;
    const recorded = await record(device, () => grad(sum(tanh(matmul(x, w))), [x]));
    recorded.destroy();
    return recorded.program.dispatchCount;
  };
  expect(await dispatches(true)).toBe(await dispatches(false));
});

test('a gradient passes through a requested tensor to those that it was made from', async () => {
  const x = Tensor.from(device, [1], [3], 'x');
  x.requiresGrad = true;
  const recorded = await record(device, () => {
    const y = mul(x, x);
    const z = mul(y, x);
    // z = x · y: through y as well as directly.
    return grad(z, [x, y]);
  });
  recorded.run();
  expect(await Promise.all(recorded.outputs.map(async (t) => (await t.read())[0]))).toEqual([27, 3]);
  recorded.destroy();
});
