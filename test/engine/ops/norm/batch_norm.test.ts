import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { BatchNorm2d } from '../../../../src/engine/nn/layers.ts';
import { leakyRelu } from '../../../../src/engine/ops/elementwise/activations.ts';
import { add, mul } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { batchNorm } from '../../../../src/engine/ops/norm/batch_norm.ts';
import { dropout } from '../../../../src/engine/ops/random/dropout.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { backward, grad } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { maxAbs, type NdArray, nd, uniform, zip } from '../nd.ts';
import { normalised, statistics } from './table_norm.ts';

let device: Device;
/** The same adapter, taken for a GPU, where lanes meet in workgroup memory. */
let asGpu: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
  asGpu = await openTestDevice({ guards: true });
  asGpu.capabilities.cpu = false;
});
afterAll(() => {
  asGpu.destroy();
  closeTestDevice(device);
});

/** float32 values with a mean and a spread of their own in each channel. */
function batch(shape: readonly number[], seed: number, mean = 1, spread = 2): NdArray {
  const random = uniform(seed);
  return nd(shape, () => Math.fround(mean + spread * (2 * random() - 1)));
}

function leaf(a: NdArray, on = device): Tensor {
  return Tensor.from(on, a.shape, Float32Array.from(a.data));
}

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number, what: string): void {
  expect(got.length, what).toBe(want.length);
  const errors = Array.from(want, (v, i) => Math.abs((got[i] as number) - v) / Math.max(1, Math.abs(v)));
  expect(Number.isFinite(maxAbs(Array.from(got))), what).toBe(true);
  expect(maxAbs(errors), what).toBeLessThan(tolerance);
}

/** PyTorch's rule for the running statistics, in float64. */
class Running {
  mean: number[];
  variance: number[];

  constructor(channels: number) {
    this.mean = new Array(channels).fill(0);
    this.variance = new Array(channels).fill(1);
  }

  update(x: NdArray): void {
    const { mean, squares, values } = statistics(x);
    this.mean = this.mean.map((m, c) => 0.9 * m + 0.1 * (mean[c] as number));
    this.variance = this.variance.map((v, c) => 0.9 * v + (0.1 * (squares[c] as number)) / (values - 1));
  }
}

async function tracked(norm: BatchNorm2d): Promise<number> {
  const [count = 0] = await norm.numBatchesTracked.readIntegers();
  return count;
}

test.each(['as it is', 'taken for a GPU'])(
  'a module used twice in one program: statistics move twice, in order; evaluation then uses them; a device %s',
  async (kind) => {
    const on = kind === 'as it is' ? device : asGpu;
    const channels = 5;
    const norm = new BatchNorm2d(on, channels);
    const [weight, bias] = [batch([channels], 1, 1, 0.5), batch([channels], 2, 0, 1)];
    norm.weight.write(Float32Array.from(weight.data));
    norm.bias.write(Float32Array.from(bias.data));
    const first = batch([2, channels, 9, 7], 3, 3, 2);
    const second = batch([1, channels, 41, 30], 4, -1, 0.5);
    const [a, b] = [leaf(first, on), leaf(second, on)];
    const training = await record(on, () => [norm.forward(a), norm.forward(b)]);
    const running = new Running(channels);
    for (let step = 1; step <= 3; step++) {
      training.run();
      running.update(first);
      running.update(second);
      expectClose(await norm.runningMean.read(), running.mean, 1e-6, `running mean, step ${step}`);
      expectClose(await norm.runningVar.read(), running.variance, 1e-6, `running variance, step ${step}`);
      expect(await tracked(norm)).toBe(2 * step);
    }
    for (const [i, x] of [first, second].entries()) {
      const { mean, squares, values } = statistics(x);
      const variance = squares.map((s) => s / values);
      const want = normalised(x, weight, bias, mean, variance);
      expectClose(await (training.outputs[i] as Tensor).read(), want.data, 1e-5, `use ${i}`);
    }
    expect(await training.program.brokenGuards()).toEqual([]);
    training.destroy();

    norm.eval();
    const evaluation = await record(on, () => norm.forward(b));
    evaluation.run();
    const want = normalised(second, weight, bias, running.mean, running.variance);
    expectClose(await evaluation.outputs.read(), want.data, 1e-5, 'evaluation');
    expectClose(await norm.runningMean.read(), running.mean, 1e-6, 'running mean after evaluation');
    expect(await tracked(norm)).toBe(6);
    evaluation.destroy();
  },
);

test('weight and bias get gradient from both uses', async () => {
  const norm = new BatchNorm2d(device, 2);
  const x = batch([2, 2, 5, 3], 5);
  const [a, b] = [leaf(x), leaf(batch([2, 2, 5, 3], 6))];
  const once = await record(device, () => [a, b].map((t) => gradients(norm, norm.forward(t))));
  const twice = await record(device, () => gradients(norm, add(norm.forward(a), norm.forward(b))));
  once.run();
  twice.run();
  for (const name of ['weight', 'bias'] as const) {
    const parts = await Promise.all(once.outputs.map(async (g) => nd([2], await values(g[name]))));
    const whole = await twice.outputs[name].read();
    expectClose(whole, zip(parts[0] as NdArray, parts[1] as NdArray, (u, v) => u + v).data, 1e-5, name);
  }
  once.destroy();
  twice.destroy();
});

async function values(t: Tensor): Promise<(i: number) => number> {
  const data = await t.read();
  return (i) => data[i] as number;
}

/** Records the gradients of a weighted sum of y and takes them off the module. */
function gradients(norm: BatchNorm2d, y: Tensor): { weight: Tensor; bias: Tensor } {
  norm.zeroGrad();
  backward(y, leaf(batch(y.shape, 7)));
  const { weight, bias } = norm;
  return { weight: weight.grad as Tensor, bias: bias.grad as Tensor };
}

test('a deviation that is small against the mean is accurate', async () => {
  // In float32 a sum of squares of such values is off by more than their whole variance.
  const x = batch([3, 4, 50, 61], 8, 1000, 0.5);
  const norm = new BatchNorm2d(device, 4);
  const recorded = await record(device, () => norm.forward(leaf(x)));
  recorded.run();
  const { mean, squares, values } = statistics(x);
  const running = new Running(4);
  running.update(x);
  expectClose(await norm.runningVar.read(), running.variance, 1e-5, 'variance');
  // The mean itself is rounded to 6e-5, a deviation being 0.29.
  const one = nd([4], () => 1);
  const want = normalised(
    x,
    one,
    nd([4], () => 0),
    mean,
    squares.map((s) => s / values),
  );
  expectClose(await recorded.outputs.read(), want.data, 5e-4, 'result');
  recorded.destroy();
});

test('a channel of equal values gives its bias, and no infinite gradient', async () => {
  const norm = new BatchNorm2d(device, 2);
  norm.bias.write([3, -4]);
  const x = leaf(nd([2, 2, 3, 3], () => 0.7));
  x.requiresGrad = true;
  const recorded = await record(device, () => {
    const y = norm.forward(x);
    backward(y, leaf(batch(y.shape, 9)));
    return [y, x.grad as Tensor] as const;
  });
  recorded.run();
  const [y, dx] = recorded.outputs;
  expectClose(await y.read(), nd([2, 2, 3, 3], (i) => (Math.floor(i / 9) % 2 === 0 ? 3 : -4)).data, 1e-4, 'result');
  expect((await dx.read()).every(Number.isFinite)).toBe(true);
  recorded.destroy();
});

test('NaN in one channel affects no other channel', async () => {
  const x = batch([1, 3, 4, 4], 10);
  x.data[20] = Number.NaN;
  const norm = new BatchNorm2d(device, 3);
  const recorded = await record(device, () => norm.forward(leaf(x)));
  recorded.run();
  const y = await recorded.outputs.read();
  expect([0, 1, 2].map((c) => y.subarray(c * 16, c * 16 + 16).every(Number.isFinite))).toEqual([true, false, true]);
  recorded.destroy();
});

test('one value per channel: refused in training, as by PyTorch, and allowed in evaluation', async () => {
  const norm = new BatchNorm2d(device, 3);
  const x = Tensor.from(device, [1, 3, 1, 1], [1, 2, 3], 'x');
  await expect(record(device, () => norm.forward(x))).rejects.toThrow(/\[1,3,1,1\] has one value per channel/);
  expect(await tracked(norm)).toBe(0);
  norm.eval();
  const recorded = await record(device, () => norm.forward(x));
  recorded.run();
  expectClose(
    await recorded.outputs.read(),
    [1, 2, 3].map((v) => v / Math.sqrt(1 + 1e-5)),
    1e-6,
    'result',
  );
  recorded.destroy();
});

test('wrong shapes, and running statistics that are not leaves, are named', async () => {
  const zeros = (...shape: number[]) => Tensor.zeros(device, shape);
  const recorded = await record(device, () => {
    const x = zeros(2, 3, 4, 4);
    const apply = (weight: Tensor, mean = zeros(3), count = zeros(1)) => {
      return batchNorm(x, weight, zeros(3), mean, zeros(3), count, { training: true });
    };
    expect(() => apply(zeros(2))).toThrow(/weight is \[2\], the input \[2,3,4,4\] has 3 channels/);
    expect(() => apply(zeros(3), add(zeros(3), zeros(3)))).toThrow(/runningMean is the result of an operation/);
    expect(() => apply(zeros(3), zeros(3), zeros(3))).toThrow(/batchesTracked must be one element/);
    return apply(zeros(3));
  });
  recorded.destroy();
});

/** Results and gradients, also the second ones, of a batch norm over these shapes, with running statistics of their own. */
async function answers(
  on: Device,
  { shape, seed, training }: { shape: readonly number[]; seed: number; training: boolean },
  norm: (x: Tensor, weight: Tensor, bias: Tensor, running: [Tensor, Tensor, Tensor], training: boolean) => Tensor,
): Promise<{ values: Float32Array[]; dispatches: number }> {
  const channels = shape[1] as number;
  const x = leaf(batch(shape, seed), on);
  const [weight, bias] = [leaf(batch([channels], seed + 10, 0), on), leaf(batch([channels], seed + 20, 0), on)];
  const [mean, variance] = [leaf(batch([channels], seed + 30), on), leaf(batch([channels], seed + 40, 2, 1), on)];
  const [seedGradient, seedSecond] = [leaf(batch(shape, seed + 50, 0), on), leaf(batch(shape, seed + 60, 0), on)];
  for (const leafTensor of [x, weight, bias]) leafTensor.requiresGrad = true;
  const tracked = Tensor.zeros(on, [1]);
  const first = await record(on, () => {
    const y = norm(x, weight, bias, [mean, variance, tracked], training);
    backward(sum(mul(y, seedGradient)));
    return [y, x.grad as Tensor, weight.grad as Tensor, bias.grad as Tensor];
  });
  first.run();
  const values = await Promise.all([...first.outputs, mean, variance].map((t) => t.read()));
  const second = await record(on, () => {
    const y = norm(x, weight, bias, [mean, variance, tracked], training);
    const [dx] = grad(sum(mul(y, seedGradient)), [x], { createGraph: true }) as [Tensor];
    // With fixed statistics the gradient of x does not depend on x.
    return grad(sum(mul(dx, seedSecond)), training ? [x, weight] : [weight]);
  });
  second.run();
  values.push(...(await Promise.all(second.outputs.map((t) => t.read()))));
  for (const { program } of [first, second]) {
    expect(await program.brokenGuards()).toEqual([]);
    program.destroy();
  }
  return { values, dispatches: first.program.dispatchCount };
}

test.each([true, false])(
  'with a slope: the same bits as a leaky ReLU behind it, gradients too (training: %s)',
  async (training) => {
    for (const [seed, shape] of [
      [1, [2, 3, 5, 7]],
      [2, [3, 2, 67, 45]],
      [3, [1, 70, 4, 4]],
    ] as const) {
      const fused = await answers(device, { shape, seed, training }, (x, w, b, running, training) => {
        return batchNorm(x, w, b, ...running, { training, slope: 0.2 });
      });
      const apart = await answers(device, { shape, seed, training }, (x, w, b, running, training) => {
        return leakyRelu(batchNorm(x, w, b, ...running, { training }), 0.2);
      });
      expect(fused.values).toEqual(apart.values);
    }
  },
);

test.each([
  ['as it is', true],
  ['as it is', false],
  ['taken for a GPU', true],
  ['taken for a GPU', false],
] as const)(
  'with a ReLU and dropout: the same bits as dropout behind it, gradients too (a device %s, training: %s)',
  { tags: 'long' },
  async (kind, training) => {
    const on = kind === 'as it is' ? device : asGpu;
    for (const [seed, shape, saved] of [
      // One slice, and several with a short last one; numbers of pictures that are not multiples of four; one pixel per
      // picture.
      [1, [4, 3, 5, 7], 2],
      [2, [8, 2, 41, 23], 2],
      [3, [4, 70, 4, 4], 2],
      [4, [12, 5, 1, 1], 2],
      [5, [3, 4, 6, 6], 0],
    ] as const) {
      const [together, apart] = [new Rng(on, 7), new Rng(on, 7)];
      const fused = await answers(on, { shape, seed, training }, (x, w, b, running, training) => {
        return batchNorm(x, w, b, ...running, { training, slope: 0, dropout: { rate: 0.4, rng: together } });
      });
      const behind = await answers(on, { shape, seed, training }, (x, w, b, running, training) => {
        return dropout(batchNorm(x, w, b, ...running, { training, slope: 0 }), 0.4, apart);
      });
      expect(
        fused.values.map((v) => v.map(withoutSign)),
        `${shape}`,
      ).toEqual(behind.values.map((v) => v.map(withoutSign)));
      expect(behind.dispatches - fused.dispatches, `${shape}`).toBe(saved);
    }
  },
);

/** −0 counts as 0: a dropped gradient may have either sign. */
const withoutSign = (v: number): number => (v === 0 ? 0 : v);

test('on a GPU a channel of one slice is one dispatch each way', async () => {
  const count = async (shape: readonly number[]) => {
    const { dispatches } = await answers(asGpu, { shape, seed: 1, training: true }, (x, w, b, running, training) => {
      return batchNorm(x, w, b, ...running, { training });
    });
    return dispatches;
  };
  expect(await count([4, 3, 16, 17])).toBe((await count([4, 3, 16, 16])) + 2);
});
