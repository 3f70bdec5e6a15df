import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { continuedConfig } from '../../../../src/cli/train/config.ts';
import type { Device, DeviceOptions } from '../../../../src/engine/gpu/device.ts';
import { dryRunDevice } from '../../../../src/engine/gpu/dry_run.ts';
import { Adam } from '../../../../src/engine/nn/optim/adam.ts';
import { FIRST_SCALE, type LossScale } from '../../../../src/engine/nn/optim/loss_scale.ts';
import { conv2d } from '../../../../src/engine/ops/conv/conv2d.ts';
import { add } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import { loadCheckpoint, saveCheckpoint } from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { PRESETS, type TrainConfig } from '../../../../src/pix2pix/train/config/config.ts';
import { estimateTraining } from '../../../../src/pix2pix/train/memory/estimate.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { openTestDevice } from '../../../device.ts';
import { bits, temporaryFolders, tinyConfig, train } from '../tiny.ts';

const folder = temporaryFolders();
const devices: Device[] = [];
async function open(options: DeviceOptions = {}): Promise<Device> {
  const device = await openTestDevice(options);
  devices.push(device);
  return device;
}
afterEach(() => {
  for (const device of devices.splice(0)) device.destroy();
});

/** One batch for each step, the same in every run. */
function steps(model: Pix2Pix, count: number): void {
  for (let i = 0; i < count; i++) {
    const random = new RandomStream(3, model.step);
    const values = (n: number) => Float32Array.from({ length: n }, () => random.uniform());
    const condition = values(model.condition.size);
    model.train({ real: condition.map((v) => 0.2 * v + 0.1), condition }, 0);
  }
}

async function prepared(device: Device, config: TrainConfig): Promise<Pix2Pix> {
  const model = new Pix2Pix(device, config);
  await model.prepare();
  return model;
}

const scaleOf = async ({ scale, goodSteps }: LossScale) => {
  const [value] = await scale.read();
  const [good] = await goodSteps.readIntegers();
  return { scale: value, good };
};
const scalesOf = ({ optimG, optimD }: Pix2Pix) =>
  Promise.all([optimG, optimD].map((optim) => scaleOf(optim?.lossScale as LossScale)));

const half = (more: Partial<TrainConfig> = {}) => tinyConfig({ precision: 'f16', ...more });

it('is refused, with a hint, if halves cannot be stored', async () => {
  const device = await open();
  device.capabilities.f16 = false;
  const model = new Pix2Pix(device, half());
  await expect(model.prepare()).rejects.toThrow(/precision f16: .* cannot store halves.*\n.*Use precision f32/s);
});

it('may not change when a run is continued', () => {
  expect(continuedConfig(half(), {}).precision).toBe('f16');
  expect(continuedConfig(tinyConfig(), {}).precision).toBe('f32');
  expect(() => continuedConfig(half(), { precision: 'f32' })).toThrow(/--precision f32: .* has f16/);
  expect(() => continuedConfig(tinyConfig(), { precision: 'f16' })).toThrow(/--precision f16: .* has f32/);
});

describe('with shader-f16', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openTestDevice({ guards: true });
  });
  afterAll(() => device.destroy());
  beforeEach(({ skip }) => skip(!device.capabilities.f16, `no shader-f16 on ${device.description}`));

  it('stores halves between operations; weights, their gradients and losses stay float32', async () => {
    const leaf = (shape: number[]) => {
      const values = Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => ((i * 7) % 11) / 8 - 0.5);
      const tensor = Tensor.from(device, shape, values);
      tensor.requiresGrad = true;
      return tensor;
    };
    const [x, w, other] = [leaf([1, 2, 3, 3]), leaf([2, 2, 1, 1]), leaf([1, 2, 3, 3])] as const;
    const body = () => {
      for (const t of [x, w, other]) t.grad = undefined;
      const y = conv2d(x, w);
      // Both dtypes meet in one operation, in either order, and gradients of both dtypes at `other`.
      const loss = sum(add(add(y, other), add(other, y)));
      backward(loss);
      return { y, loss, grads: [x.grad, w.grad, other.grad] };
    };
    const [exact, stored] = [await record(device, body), await record(device, body, { precision: 'f16' })];
    for (const { outputs } of [exact, stored])
      expect(outputs.grads.map((t) => t?.dtype)).toEqual(['f32', 'f32', 'f32']);
    expect([exact.outputs.y.dtype, stored.outputs.y.dtype, stored.outputs.loss.dtype]).toEqual(['f32', 'f16', 'f32']);
    for (const recorded of [exact, stored]) recorded.run();
    // Multiples of 1/64 up to 4 are all halves.
    expect(await stored.outputs.y.read()).toEqual(await exact.outputs.y.read());
    for (const [i, grad] of stored.outputs.grads.entries()) {
      expect(await grad?.read()).toEqual(await exact.outputs.grads[i]?.read());
    }
    expect(await stored.outputs.loss.read()).toEqual(await exact.outputs.loss.read());
  });

  it('thirty steps have the losses of float32 within 5 %', { tags: 'long' }, async () => {
    // With so few pixels, λ = 200 gives gradients that overflow at first: steps would be skipped, and the curves
    // shifted.
    const config = tinyConfig({ lr: 1e-2, init: 'paper', lambdaL1: 20 });
    const curves = [];
    for (const precision of ['f32', 'f16'] as const) {
      const model = await prepared(device, { ...config, precision });
      steps(model, 30);
      curves.push(await model.lossesSince(0));
      if (precision === 'f16')
        expect((await scalesOf(model)).map(({ scale }) => scale)).toEqual([FIRST_SCALE, FIRST_SCALE]);
    }
    const [exact = [], stored = []] = curves;
    expect(stored).not.toEqual(exact);
    for (const [i, row] of exact.entries()) {
      for (const name of ['gen', 'disc', 'l1'] as const) {
        expect(Math.abs((stored[i]?.[name] as number) / row[name] - 1), `${name} of step ${i}`).toBeLessThan(0.05);
      }
    }
    expect(exact.at(-1)?.l1).toBeLessThan(0.6 * (exact[0]?.l1 as number));
  });

  it('skips a step whose gradients overflow, and halves the scale of that network only', {
    tags: 'long',
  }, async () => {
    const model = await prepared(device, half());
    steps(model, 2);
    const before = await bits(model);
    await model.optimG.lossScale?.scale.write([2 ** 60]);
    steps(model, 1);
    const after = await bits(model);
    expect(await scalesOf(model)).toEqual([
      { scale: 2 ** 59, good: 0 },
      { scale: FIRST_SCALE, good: 3 },
    ]);
    const learnt = (name: string) => /^gen\..*(weight|bias)$|^adam\.gen\.exp_avg/.test(name);
    for (const [name, value] of before) if (learnt(name)) expect(after.get(name), name).toEqual(value);
    for (const name of ['disc.conv1.weight', 'adam.disc.exp_avg.conv1.weight']) {
      expect(after.get(name), name).not.toEqual(before.get(name));
    }
    // The scale falls until gradients are finite, and then the network learns again.
    await model.optimG.lossScale?.scale.write([2 ** 20]);
    steps(model, 8);
    expect((await bits(model)).get('gen.conv1.weight')).not.toEqual(after.get('gen.conv1.weight'));
    expect((await scalesOf(model))[0]?.good).toBeGreaterThan(0);
  });

  it('continues bit for bit from a checkpoint, scales included', { tags: 'long' }, async () => {
    const straight = await prepared(device, half());
    await straight.optimG.lossScale?.scale.write([2 ** 30]);
    steps(straight, 3);
    const path = join(folder(), 'latest.safetensors');
    await saveCheckpoint(path, straight, {});
    steps(straight, 3);
    const { model, header } = await loadCheckpoint(await open(), path);
    expect(header.config.precision).toBe('f16');
    expect((await scalesOf(model))[0]).toEqual({ scale: 2 ** 27, good: 0 });
    await model.prepare();
    steps(model, 3);
    expect(await bits(model)).toEqual(await bits(straight));
  });

  it('stops a run whose gradients overflow unscaled, and saves nothing', { tags: 'long' }, async () => {
    const path = folder();
    const model = new Pix2Pix(device, half({ lambdaL1: 1e12 }));
    await expect(train(device, path, { steps: 20, logEvery: 20 }, { model })).rejects.toThrow(
      /step 20: the generator's loss scale has fallen to 0\.03125: .* no checkpoint was written after that step.*\n.*--lambda_L1/s,
    );
    expect((await readdir(path)).filter((name) => name.endsWith('.safetensors'))).toEqual([]);
  });

  it('says that halves may be the cause when a loss is NaN', { tags: 'long' }, async () => {
    const model = new Pix2Pix(device, half({ lr: 1e3 }));
    await expect(train(device, folder(), { steps: 20, logEvery: 5 }, { model })).rejects.toThrow(
      /step \d+: the .* loss is .*\n.*activations above 65504 are infinite: start again without it/s,
    );
  });

  it('halves the temporaries, by the account of the planner', async () => {
    const config = { ...PRESETS.tutorial, generator: { ...PRESETS.tutorial.generator, hidden: 8, depth: 4 } };
    const temporaries = async (precision: 'f32' | 'f16') => {
      const { program } = await new Pix2Pix(await dryRunDevice(device), { ...config, precision }).prepare();
      return program.plan?.total as number;
    };
    const [plain, less] = [await temporaries('f32'), await temporaries('f16')];
    expect(less).toBeGreaterThan(0.5 * plain);
    expect(less).toBeLessThan(0.55 * plain);
  });

  it('is estimated to the byte', { tags: 'long' }, async () => {
    const device = await open();
    const need = await estimateTraining(device, half());
    const before = device.memory.bytes;
    const model = await prepared(device, half());
    for (const batch of [2, 1]) await model.predictor.program(batch, 16, 16);
    expect(device.memory.bytes - before).toBe(need.state + need.temporaries);
  });
});

describe('Adam with a loss scale', () => {
  const n = 3000;
  const draw = (seed: number) => {
    const random = new RandomStream(seed, 1);
    return Float32Array.from({ length: n }, () => random.uniform() - 0.5);
  };

  async function adam(device: Device, lossScale: boolean) {
    const [w, g] = [Tensor.from(device, [n], draw(1), 'w'), Tensor.zeros(device, [n], 'g')];
    const optim = new Adam(device, [w], { lr: 0.01, lossScale });
    w.grad = g;
    const { program } = await record(device, () => optim.step());
    const step = (gradient: Float32Array) => {
      g.write(gradient);
      program.run();
    };
    return { optim, w, step, program };
  }

  it.each([Number.POSITIVE_INFINITY, 4096])(
    'moves the weights as without, to the bit (binding limit %s)',
    async (maxBinding) => {
      const device = await open({ guards: true, maxBinding });
      const [plain, scaled] = [await adam(device, false), await adam(device, true)];
      for (const seed of [2, 3, 4]) {
        plain.step(draw(seed));
        scaled.step(draw(seed).map((v) => FIRST_SCALE * v));
      }
      expect(await scaled.w.read()).toEqual(await plain.w.read());
      expect(scaled.program.dispatchCount).toBe(2 * plain.program.dispatchCount + 1);
      expect(await scaled.program.brokenGuards()).toEqual([]);
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'does nothing where one gradient is %s',
    async (bad) => {
      const { optim, w, step } = await adam(await open({ maxBinding: 4096 }), true);
      const gradient = draw(2);
      gradient[n - 1] = bad;
      step(gradient);
      expect(await w.read()).toEqual(draw(1));
      for (const moment of [...optim.state().values()].flat()) expect(await moment.read()).toEqual(new Float32Array(n));
      expect(await scaleOf(optim.lossScale as LossScale)).toEqual({ scale: FIRST_SCALE / 2, good: 0 });
      // The largest float is not an overflow, and the next step counts from there.
      step(gradient.fill(3.4e38));
      expect(await scaleOf(optim.lossScale as LossScale)).toEqual({ scale: FIRST_SCALE / 2, good: 1 });
    },
  );

  it('doubles the scale after a thousand good steps in a row, up to a limit', async () => {
    const { optim, step } = await adam(await open(), true);
    const lossScale = optim.lossScale as LossScale;
    for (let i = 0; i < 999; i++) step(draw(2));
    expect(await scaleOf(lossScale)).toEqual({ scale: FIRST_SCALE, good: 999 });
    step(draw(2));
    expect(await scaleOf(lossScale)).toEqual({ scale: 2 * FIRST_SCALE, good: 0 });
    lossScale.scale.write([2 ** 24]);
    for (let i = 0; i < 1000; i++) step(draw(2));
    expect(await scaleOf(lossScale)).toEqual({ scale: 2 ** 24, good: 0 });
  });
});
