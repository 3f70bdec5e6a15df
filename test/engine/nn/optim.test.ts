import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { BatchNorm2d, Conv2d } from '../../../src/engine/nn/layers.ts';
import { Adam, AdamW } from '../../../src/engine/nn/optim/adam.ts';
import { WeightAverage } from '../../../src/engine/nn/optim/average.ts';
import { clipGradNorm } from '../../../src/engine/nn/optim/clip.ts';
import { RMSprop } from '../../../src/engine/nn/optim/rmsprop.ts';
import { cosine, linearDecay, Plateau, stepDecay, warmup } from '../../../src/engine/nn/optim/schedules.ts';
import { SGD } from '../../../src/engine/nn/optim/sgd.ts';
import { Sequential } from '../../../src/engine/nn/sequential.ts';
import { mul } from '../../../src/engine/ops/elementwise/arithmetic.ts';
import { sum } from '../../../src/engine/ops/reduce/reduce.ts';
import { backward } from '../../../src/engine/tape/autograd.ts';
import { dispatch } from '../../../src/engine/tape/dispatch.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { readSafetensors } from '../../../src/files/files.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

/**
 * Compares optimizers with PyTorch's results for the same gradients; `tools/pytorch/python/optim_fixtures.py` writes
 * the file.
 */
const file = await readSafetensors(fileURLToPath(new URL('../../fixtures/optim.safetensors', import.meta.url)));
const cases: { name: keyof typeof optimizers; args: object }[] = JSON.parse(file.metadata.cases ?? '');
const optimizers = { SGD, Adam, AdamW, RMSprop };

let device: Device;
beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(async () => {
  await file.close();
  closeTestDevice(device);
});

const floats = async (name: string) => (await file.read(name)).data as Float32Array;

describe.each([false, true])('five steps, gradients scaled: %s', (lossScale) => {
  it.each(cases.map((c, n) => [`${c.name} ${JSON.stringify(c.args)}`, n, c] as const))('%s', async (_, n, c) => {
    const [start, grads, after] = [await floats(`${n}.start`), await floats(`${n}.grads`), await floats(`${n}.after`)];
    const size = start.length;
    const [w, g] = [Tensor.from(device, [size], start, 'w'), Tensor.zeros(device, [size], 'g')];
    w.requiresGrad = true;
    const optimizer = new optimizers[c.name](device, [w], { ...c.args, lossScale });
    const recorded = await record(device, () => {
      backward(sum(mul(w, g)), optimizer.lossScale?.scale);
      optimizer.step();
    });
    for (let t = 0; t < grads.length / size; t++) {
      g.write(grads.subarray(t * size, (t + 1) * size));
      recorded.run();
      const got = await w.read();
      got.forEach((value, i) => {
        const want = after[t * size + i] as number;
        expect(Math.abs(value - want), `w[${i}] after step ${t + 1}`).toBeLessThan(2e-6 * Math.max(1, Math.abs(want)));
      });
    }
    expect(await recorded.program.brokenGuards()).toEqual([]);
    recorded.destroy();
  });
});

it('refuses invalid rates', () => {
  const w = Tensor.from(device, [1], [1], 'w');
  expect(() => new SGD(device, [w], { momentum: -1 })).toThrow(/momentum is -1/);
  expect(() => new SGD(device, [w], { nesterov: true })).toThrow(/nesterov needs a momentum/);
  expect(() => new RMSprop(device, [w], { alpha: 1 })).toThrow(/alpha is 1; it must be in \[0, 1\)/);
  expect(() => new AdamW(device, [w], { weightDecay: -1 })).toThrow(/AdamW: weightDecay is -1/);
});

describe('learning rates', () => {
  it('are what torch.optim.lr_scheduler gives', () => {
    const each = (schedule: (step: number) => number, n = 6) =>
      Array.from({ length: n }, (_, i) => Number(schedule(i + 1).toFixed(6)));
    expect(each(stepDecay(1, 2, 0.5))).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
    expect(each(linearDecay(1, 2, 4), 7)).toEqual([1, 1, 1, 0.75, 0.5, 0.25, 0]);
    // CosineAnnealingLR(T_max=4, eta_min=0.1)
    expect(each(cosine(1, 4, 0.1), 5)).toEqual([1, 0.868198, 0.55, 0.231802, 0.1]);
    expect(each(warmup(1, 4), 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    const plateau = new Plateau(1, { factor: 0.5, patience: 1 });
    expect([3, 2, 2, 2, 2, 2, 1].map((loss) => plateau.observe(loss))).toEqual([1, 1, 1, 0.5, 0.5, 0.25, 0.25]);
  });

  it('can drive an optimizer', async () => {
    const w = Tensor.from(device, [1], [0], 'w');
    w.requiresGrad = true;
    const sgd = new SGD(device, [w], { lr: stepDecay(1, 2, 0.5) });
    const recorded = await record(device, () => {
      backward(sum(w));
      sgd.step();
    });
    const places = [];
    for (let t = 0; t < 4; t++) {
      recorded.run();
      places.push((await w.read())[0]);
    }
    expect(places).toEqual([-1, -2, -2.5, -3]);
  });
});

it('an average of weights follows them, and forgets the initial ones', async () => {
  const [net, smooth] = [new Conv2d(device, 1, 1, 1), new Conv2d(device, 1, 1, 1)];
  const average = new WeightAverage(net, smooth, { decay: 0.5 });
  const recorded = await record(device, () => average.update());
  let want = 0;
  for (const [t, value] of [4, 8, 16, 2].entries()) {
    net.weight.write([value]);
    recorded.run();
    const rate = t === 0 ? 1 : 1 - Math.min(0.5, (2 + t) / (11 + t));
    want += rate * (value - want);
    expect((await smooth.weight.read())[0]).toBeCloseTo(want, 5);
  }
  recorded.destroy();
  expect(() => new WeightAverage(net, new Conv2d(device, 2, 1, 1))).toThrow(/weight is \[1,1,1,1\]/);
});

describe('weights in one buffer', () => {
  let plain: Device;
  beforeAll(async () => {
    // Guard words after each tensor would separate them.
    plain = await openTestDevice();
  });
  afterAll(() => closeTestDevice(plain));

  const values = (n: number, seed: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(seed + 1.7 * i));

  async function steps(on: Device, frozen: boolean) {
    const sizes = [3, 70, 1, 129];
    const params = sizes.map((n, i) => Tensor.from(on, [n], values(n, i), `w${i}`));
    const factors = sizes.map((n, i) => Tensor.from(on, [n], values(n, 10 + i), `c${i}`));
    for (const p of params) p.requiresGrad = true;
    if (frozen) (params[1] as Tensor).requiresGrad = false;
    const before = on.memory.bytes;
    const adam = new Adam(on, params, { lr: 0.1 });
    const recorded = await record(on, () => {
      params.forEach((p, i) => {
        if (p.requiresGrad) backward(sum(mul(mul(p, p), factors[i] as Tensor)));
      });
      adam.step();
    });
    for (let t = 0; t < 3; t++) recorded.run();
    const state = await Promise.all([...params, ...[...adam.state().values()].flat()].map((t) => t.read()));
    const updates = recorded.program.listing.filter(({ label }) => label === 'adam').length;
    recorded.destroy();
    adam.dispose();
    for (const p of params) p.dispose();
    const kept = sizes.reduce((bytes, n) => bytes + 4 * n + (on.guards ? 256 : 0), 0);
    return { state, updates, left: on.memory.bytes - (before - kept) };
  }

  it('are updated in one dispatch, with the same bits, and give their memory back', async () => {
    const [apart, together] = [await steps(device, false), await steps(plain, false)];
    expect(together.state).toEqual(apart.state);
    expect(apart.updates - together.updates).toBe(3);
    expect(together.left).toBe(0);
  });

  it('if one of them is frozen, the others are updated one by one, and it stays unchanged', async () => {
    const [apart, together] = [await steps(device, true), await steps(plain, true)];
    expect(together.state).toEqual(apart.state);
    expect(together.updates).toBe(apart.updates);
    expect(together.left).toBe(0);
  });

  it('an average of them takes one dispatch for the weights and one for statistics, with the same bits', async () => {
    const averaged = async (on: Device) => {
      const [net, smooth] = [0, 1].map(() => new Sequential(new Conv2d(on, 2, 3, 3), new BatchNorm2d(on, 3)));
      if (!net || !smooth) throw new Error('two were made');
      for (const module of [net, smooth]) {
        module.stateEntries().forEach(({ tensor, kind }, i) => {
          if (kind !== 'counter') tensor.write(values(tensor.size, i));
        });
      }
      const adam = new Adam(on, net.parameters(), { lr: 0.1 });
      const average = new WeightAverage(net, smooth, { decay: 0.5 });
      const x = Tensor.from(on, [2, 2, 5, 5], values(100, 7), 'x');
      const recorded = await record(on, () => {
        backward(sum(mul(net.forward(x), net.forward(x))));
        adam.step();
        average.update();
      });
      for (let t = 0; t < 3; t++) recorded.run();
      const state = await Promise.all(
        [...net.stateEntries(), ...smooth.stateEntries()].flatMap((e) =>
          e.kind === 'counter' ? [] : [e.tensor.read()],
        ),
      );
      const count = recorded.program.listing.filter(({ label }) => label === 'average').length;
      recorded.destroy();
      return { state, count };
    };
    const [apart, together] = [await averaged(device), await averaged(plain)];
    expect(together.state).toEqual(apart.state);
    expect(apart.count).toBe(6);
    expect(together.count).toBe(2);
  });

  it('weights that a program has bound stay where they are, and that program still works', async () => {
    const w = [1, 2].map((v) => Tensor.from(plain, [2], [v, v], `w${v}`));
    for (const p of w) p.requiresGrad = true;
    const read = await record(plain, () => w.map((p) => mul(p, p)));
    const sgd = new SGD(plain, w, { lr: 1 });
    const step = await record(plain, () => {
      for (const p of w) backward(sum(p));
      sgd.step();
    });
    step.run();
    read.run();
    expect(await Promise.all(read.outputs.map(async (t) => [...(await t.read())]))).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it('a kernel that reads one and writes another is refused, and named', async () => {
    const w = [1, 2].map((v) => Tensor.from(plain, [2], [v, v], `w${v}`));
    for (const p of w) p.requiresGrad = true;
    new SGD(plain, w);
    const source = `
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(1) fn main() { y[0] = x[0]; }`;
    const [x, y] = w as [Tensor, Tensor];
    const copy = () => dispatch(plain.kernel('copy', source), { x, y }, undefined, [1]);
    await expect(record(plain, copy)).rejects.toThrow(/copy reads w1 and writes w2, which lie in one buffer/);
  });
});

describe('clipping by norm', () => {
  it.each([
    [20, [-3, -4, -12]],
    [6.5, [-1.5, -2, -6]],
  ])('to at most %d, all gradients together', async (most, want) => {
    const params = [Tensor.from(device, [2], [0, 0], 'a'), Tensor.from(device, [1], [0], 'b')];
    const factors = [Tensor.from(device, [2], [3, 4]), Tensor.from(device, [1], [12])];
    for (const p of params) p.requiresGrad = true;
    const sgd = new SGD(device, params, { lr: 1 });
    const recorded = await record(device, () => {
      params.forEach((p, i) => {
        backward(sum(mul(p, factors[i] as Tensor)));
      });
      const norm = clipGradNorm(params, most);
      sgd.step();
      return norm;
    });
    recorded.run();
    expect((await recorded.outputs.read())[0]).toBeCloseTo(13, 4);
    const moved = (await Promise.all(params.map(async (p) => [...(await p.read())]))).flat();
    moved.forEach((v, i) => {
      expect(v).toBeCloseTo(want[i] as number, 4);
    });
    recorded.destroy();
  });
});
