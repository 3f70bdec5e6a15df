import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../src/engine/gpu/device.ts';
import { Adam } from '../../src/engine/nn/optim/adam.ts';
import { conv2d, convTranspose2d } from '../../src/engine/ops/conv/conv2d.ts';
import type { Conv2dOptions } from '../../src/engine/ops/conv/options.ts';
import { leakyRelu, relu, sigmoid, tanh } from '../../src/engine/ops/elementwise/activations.ts';
import { bceWithLogits, l1Loss, mseLoss } from '../../src/engine/ops/loss/losses.ts';
import { batchNorm } from '../../src/engine/ops/norm/batch_norm.ts';
import { maxPool2d } from '../../src/engine/ops/resample/max_pool.ts';
import { upsampleBilinear } from '../../src/engine/ops/resample/upsample_bilinear.ts';
import { backward } from '../../src/engine/tape/autograd.ts';
import { record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import { readSafetensors, type SafetensorsFile } from '../../src/files/files.ts';
import { closeTestDevice, openTestDevice } from '../device.ts';

/**
 * Single operations held to what PyTorch made of them: `tools/pytorch/python/op_fixtures.py` writes the file and tells its layout.
 * What PyTorch does at ties, kinks and borders is checked here; random shapes are the business of test/ops.
 */
const FILE = fileURLToPath(new URL('../fixtures/ops.safetensors', import.meta.url));

interface Case {
  op: string;
  args: Record<string, unknown>;
  /** Names of the inputs, and of the state that the operation changes. */
  inputs: string[];
}

/** Looks an input up by its name; throws where the case has none. */
type Inputs = (name: string) => Tensor;

const source = await readSafetensors(FILE);
const cases: Case[] = JSON.parse(source.metadata.cases ?? '');
let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(async () => {
  await source.close();
  closeTestDevice(device);
});

test.each(cases.map((c, n) => [n, `${c.op} ${JSON.stringify(c.args)}`, c] as const))('%i %s', async (n, _, c) => {
  if (c.op === 'adam') await checkAdam(n, c);
  else await checkOp(n, c);
});

async function checkOp(n: number, c: Case): Promise<void> {
  const leaves = new Map<string, Tensor>();
  for (const name of c.inputs) leaves.set(name, await leaf(source, `${n}.in.${name}`));
  const graded = c.inputs.filter((name) => source.entries.has(`${n}.grad.${name}`));
  expect(graded.length, 'inputs with a gradient').toBeGreaterThan(0);
  for (const name of graded) (leaves.get(name) as Tensor).requiresGrad = true;
  const dy = await leaf(source, `${n}.dy`);
  const recorded = await record(device, () => {
    const y = run(c, (name) => {
      const found = leaves.get(name);
      if (!found) throw new Error(`case ${n} has no input ${name}`);
      return found;
    });
    expect(y.shape, 'shape of the result').toEqual(dy.shape);
    backward(y, dy);
    return { y, grads: graded.map((name) => leaves.get(name)?.grad) };
  });
  recorded.run();
  close('result', await recorded.outputs.y.read(), await floats(`${n}.out`));
  for (const [i, name] of graded.entries()) {
    const got = recorded.outputs.grads[i];
    if (!got) throw new Error(`no gradient for ${name}`);
    close(`gradient of ${name}`, await got.read(), await floats(`${n}.grad.${name}`));
  }
  for (const name of c.inputs) {
    if (!source.entries.has(`${n}.after.${name}`)) continue;
    close(`${name} afterwards`, await (leaves.get(name) as Tensor).read(), await floats(`${n}.after.${name}`));
  }
  expect(await recorded.program.brokenGuards(), 'tensors with a write out of bounds').toEqual([]);
  recorded.destroy();
}

function run({ op, args }: Case, input: Inputs): Tensor {
  const x = input('x');
  const number = (name: string) => args[name] as number;
  switch (op) {
    case 'conv2d':
      return conv2d(x, input('weight'), optional(input, 'bias'), args as Conv2dOptions);
    case 'conv_transpose2d':
      return convTranspose2d(x, input('weight'), optional(input, 'bias'), args as Conv2dOptions);
    case 'batch_norm': {
      const counter = Tensor.zeros(device, [1], 'num_batches_tracked');
      const state = [input('running_mean'), input('running_var')] as const;
      return batchNorm(x, input('weight'), input('bias'), ...state, counter, { training: args.training as boolean });
    }
    case 'max_pool2d':
      return maxPool2d(x, number('kernel'), number('stride'), number('padding'));
    case 'upsample_bilinear':
      return upsampleBilinear(x, number('height'), number('width'), args.alignCorners as boolean);
    case 'bce_with_logits':
      return bceWithLogits(x, number('target'));
    case 'l1':
      return l1Loss(x, input('y'));
    case 'mse':
      return mseLoss(x, input('y'));
    case 'leaky_relu':
      return leakyRelu(x, 0.2);
    case 'relu':
      return relu(x);
    case 'sigmoid':
      return sigmoid(x);
    case 'tanh':
      return tanh(x);
    default:
      throw new Error(`this test knows no operation ${op}`);
  }
}

/** Adam's gradients come in by hand, a row for each step. */
async function checkAdam(n: number, { args }: Case): Promise<void> {
  const w = await leaf(source, `${n}.in.w`);
  const [grads, want] = [await floats(`${n}.in.grads`), await floats(`${n}.out`)];
  w.grad = Tensor.zeros(device, w.shape, 'grad');
  const adam = new Adam(device, [w], args);
  const recorded = await record(device, () => adam.step());
  const steps = grads.length / w.size;
  for (let t = 0; t < steps; t++) {
    const row = (values: Float32Array) => values.subarray(t * w.size, (t + 1) * w.size);
    w.grad.write(row(grads));
    recorded.run();
    close(`after step ${t + 1}`, await w.read(), row(want));
  }
  recorded.destroy();
}

async function floats(name: string): Promise<Float32Array> {
  const { data } = await source.read(name);
  if (!(data instanceof Float32Array)) throw new Error(`${name} is not F32`);
  return data;
}

async function leaf(file: SafetensorsFile, name: string): Promise<Tensor> {
  const { shape } = await file.read(name);
  return Tensor.from(device, shape, await floats(name), name);
}

function optional(input: Inputs, name: string): Tensor | undefined {
  try {
    return input(name);
  } catch {
    return undefined;
  }
}

/** Within 1e-5 of a value, and 1e-6 of the largest: the references are exact, so that only our rounding is in it. */
function close(what: string, got: Float32Array, want: Float32Array): void {
  expect(got.length, `${what}: number of values`).toBe(want.length);
  const most = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  want.forEach((v, i) => {
    const off = Math.abs((got[i] as number) - v);
    if (!(off <= 1e-5 * Math.abs(v) + 1e-6 * most)) throw new Error(`${what}: value ${i} is ${got[i]}, expected ${v}`);
  });
}
