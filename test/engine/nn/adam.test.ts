import { afterEach, describe, expect, test } from 'vitest';
import type { Device, DeviceOptions } from '../../../src/engine/gpu/device.ts';
import { Adam, type AdamOptions } from '../../../src/engine/nn/optim/adam.ts';
import { mul } from '../../../src/engine/ops/elementwise/arithmetic.ts';
import { sum } from '../../../src/engine/ops/reduce/reduce.ts';
import { backward } from '../../../src/engine/tape/autograd.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';
import { uniform } from '../ops/nd.ts';

let device: Device;

async function open(options: DeviceOptions = {}): Promise<Device> {
  device = await openTestDevice({ guards: true, ...options });
  return device;
}
afterEach(() => closeTestDevice(device));

type Settings = Required<Omit<AdamOptions, 'lossScale' | 'weightDecay'>>;

/** Adam in float64, written from the paper's algorithm 1; `grads[t]` is the gradient of step t + 1. */
function reference(w: Float32Array, grads: Float32Array[], options: Settings, rates: number[]) {
  const {
    betas: [b1, b2],
    eps,
  } = options;
  const [x, m, v] = [Float64Array.from(w), new Float64Array(w.length), new Float64Array(w.length)];
  grads.forEach((grad, step) => {
    const t = step + 1;
    for (let i = 0; i < w.length; i++) {
      const g = grad[i] as number;
      m[i] = b1 * (m[i] as number) + (1 - b1) * g;
      v[i] = b2 * (v[i] as number) + (1 - b2) * g * g;
      const mHat = (m[i] as number) / (1 - b1 ** t);
      const vHat = (v[i] as number) / (1 - b2 ** t);
      x[i] = (x[i] as number) - ((rates[step] as number) * mHat) / (Math.sqrt(vHat) + eps);
    }
  });
  return { x, m, v };
}

function close(got: Float32Array, want: Float64Array, rtol: number, atol: number, what: string): void {
  want.forEach((value, i) => {
    const error = Math.abs((got[i] as number) - value);
    if (!(error <= atol + rtol * Math.abs(value))) throw new Error(`${what}[${i}] is ${got[i]}, expected ${value}`);
  });
}

/** Five steps on parameters of these sizes, each with a gradient that is written before each step. */
async function fiveSteps(sizes: number[], options: Settings, rates: number[]): Promise<void> {
  const random = uniform(sizes.length + 1);
  const draw = (n: number) => Float32Array.from({ length: n }, () => Math.fround(4 * random() - 2));
  const start = sizes.map(draw);
  const params = sizes.map((n, i) => Tensor.from(device, [n], start[i] as Float32Array, `w${i}`));
  // The gradient of sum(w · c) is c itself.
  const factors = sizes.map((n, i) => Tensor.zeros(device, [n], `c${i}`));
  const adam = new Adam(device, params, options);
  for (const p of params) p.requiresGrad = true;
  const recorded = await record(device, () => {
    for (const [i, p] of params.entries()) {
      const y = mul(p, factors[i] as Tensor);
      backward(y, Tensor.from(device, y.shape, new Float32Array(y.size).fill(1), 'one'));
    }
    adam.step();
  });
  const grads = sizes.map((n) => rates.map(() => draw(n)));
  // A weight whose gradient is always zero, one whose gradient is zero at first, and one with tiny gradients.
  for (const of of grads) {
    of.forEach((g, t) => {
      g[0] = 0;
      if (t < 2) g[1] = 0;
      g[2] = (g[2] as number) * 1e-12;
    });
  }
  expect(adam.steps).toBe(0);
  for (const [t, rate] of rates.entries()) {
    factors.forEach((c, i) => {
      c.write((grads[i] as Float32Array[])[t] as Float32Array);
    });
    adam.lr = rate;
    recorded.run();
  }
  expect(await recorded.program.brokenGuards()).toEqual([]);
  expect(adam.steps).toBe(rates.length);
  const [m = [], v = []] = [...adam.state().values()];
  for (const [i, p] of params.entries()) {
    const want = reference(start[i] as Float32Array, grads[i] as Float32Array[], options, rates);
    close(await p.read(), want.x, 2e-6, 1e-9, `w${i}`);
    close(await (m[i] as Tensor).read(), want.m, 1e-5, 1e-7, `m${i}`);
    close(await (v[i] as Tensor).read(), want.v, 1e-5, 1e-30, `v${i}`);
  }
  recorded.destroy();
}

describe('Adam', () => {
  test('five steps equal the float64 loop, zero and tiny gradients included', async () => {
    await open();
    const rates = [2e-4, 2e-4, 2e-4, 2e-4, 2e-4];
    await fiveSteps([3, 64, 1000], { lr: 2e-4, betas: [0.9, 0.999], eps: 1e-8 }, rates);
  });

  test('other betas, a learning rate for each step', async () => {
    await open();
    await fiveSteps([70], { lr: 1, betas: [0.5, 0.99], eps: 1e-6 }, [0.1, 0.05, 0, 0.02, 0.01]);
  });

  test('tensors larger than the binding limit are updated in slices', async () => {
    await open({ maxBinding: 4096 + 100 });
    // mul itself cannot bind such tensors, so that the gradient comes in by hand, as it does from a convolution.
    const n = 4000;
    const random = uniform(9);
    const start = Float32Array.from({ length: n }, () => Math.fround(random()));
    const grad = Float32Array.from({ length: n }, () => Math.fround(random() - 0.5));
    const [w, g] = [Tensor.from(device, [n], start, 'w'), Tensor.from(device, [n], grad, 'g')];
    const options = { lr: 0.01, betas: [0.9, 0.999], eps: 1e-8 } as const;
    const adam = new Adam(device, [w], options);
    w.grad = g;
    const recorded = await record(device, () => adam.step());
    expect(recorded.program.dispatchCount).toBe(4);
    for (let t = 1; t <= 5; t++) recorded.run();
    const want = reference(start, Array(5).fill(grad), options, Array(5).fill(0.01));
    close(await w.read(), want.x, 2e-6, 1e-7, 'w');
    close(await ([...adam.state().values()].flat()[1] as Tensor).read(), want.v, 1e-5, 1e-12, 'v');
    expect(await recorded.program.brokenGuards()).toEqual([]);
    recorded.destroy();
  });

  test('a parameter without a gradient stays unchanged; one that is listed twice is updated once', async () => {
    await open();
    const [a, b] = [Tensor.from(device, [2], [1, 2], 'a'), Tensor.from(device, [2], [3, 4], 'b')];
    a.requiresGrad = true;
    const adam = new Adam(device, [a, b, a], { lr: 0.5 });
    const recorded = await record(device, () => {
      backward(sum(a));
      adam.step();
    });
    recorded.run();
    // The first step of Adam moves every weight by lr against the sign of its gradient.
    close(await a.read(), Float64Array.of(0.5, 1.5), 1e-6, 0, 'a');
    expect([...(await b.read())]).toEqual([3, 4]);
    expect(adam.state().get('exp_avg')).toHaveLength(2);
    recorded.destroy();
  });

  test('wrong options are refused', async () => {
    await open();
    const w = Tensor.from(device, [1], [1], 'w');
    expect(() => new Adam(device, [w], { lr: -1 })).toThrow(/learning rate is -1/);
    expect(() => new Adam(device, [w], { betas: [1, 0.9] })).toThrow(/betas are \[1,0.9\]/);
    expect(() => new Adam(device, [w], { eps: 0 })).toThrow(/eps is 0/);
    const adam = new Adam(device, [w]);
    expect(() => adam.setStep(0)).toThrow(/step 0/);
    await expect(record(device, () => adam.step())).rejects.toThrow(/no parameter has a gradient/);
    w.requiresGrad = true;
    const recorded = await record(device, () => {
      backward(sum(w));
      adam.step();
    });
    adam.lr = Number.NaN;
    expect(() => recorded.run()).toThrow(/learning rate is NaN/);
    adam.lr = 0.1;
    recorded.run();
    expect(adam.steps).toBe(1);
    await device.check();
    recorded.destroy();
  });
});
