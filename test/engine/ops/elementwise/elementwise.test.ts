import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import type { Kernel } from '../../../../src/engine/gpu/shader/kernel.ts';
import { gelu, leakyRelu, relu, sigmoid, softplus, tanh } from '../../../../src/engine/ops/elementwise/activations.ts';
import { add, maximum, mul, scale } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { eq, where } from '../../../../src/engine/ops/elementwise/compare.ts';
import { clamp, exp } from '../../../../src/engine/ops/elementwise/functions.ts';
import { bceWithLogits, l1Loss, mseLoss } from '../../../../src/engine/ops/loss/losses.ts';
import { mean, sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { backward, grad } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { at, nd, total, uniform } from '../nd.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

function leaf(values: readonly number[], label = 'x', on = device): Tensor {
  const x = Tensor.from(on, [values.length], values, label);
  x.requiresGrad = true;
  return x;
}

/** Values of the result, and the gradients of its sum. */
async function both(x: Tensor, op: (x: Tensor) => Tensor): Promise<[Float32Array, Float32Array]> {
  const recorded = await record(device, () => {
    const y = op(x);
    backward(y, Tensor.from(device, y.shape, new Float32Array(y.size).fill(1), 'dy'));
    return [y, x.grad as Tensor] as const;
  });
  recorded.run();
  const [y, dx] = recorded.outputs;
  const values: [Float32Array, Float32Array] = [await y.read(), await dx.read()];
  recorded.destroy();
  return values;
}

const FAR = [-1e30, -1000, -90, -45, 45, 90, 1000, 1e30];

test('sigmoid and tanh stay finite and correct for large arguments, with their gradients', async () => {
  for (const [op, f] of [
    [sigmoid, (v: number) => 1 / (1 + Math.exp(-v))],
    [tanh, Math.tanh],
  ] as const) {
    const [y, dx] = await both(leaf(FAR), op);
    FAR.forEach((v, i) => {
      expect(Math.abs((y[i] as number) - f(v)), `${op.name}(${v})`).toBeLessThan(1e-7);
      expect(Math.abs(dx[i] as number), `${op.name}'(${v})`).toBeLessThan(1e-15);
    });
  }
});

test('tanh is accurate near zero and where its two formulas meet', async () => {
  const points = [1e-30, 1e-6, -1e-3, 0.05, 0.0999, 0.1001, -0.2, 0.5];
  const [y] = await both(leaf(points), tanh);
  points.forEach((v, i) => {
    const want = Math.tanh(Math.fround(v));
    expect(Math.abs((y[i] as number) / want - 1), `tanh(${v})`).toBeLessThan(2e-6);
  });
});

test('the cross-entropy is exact for large logits and accurate for a small loss', async () => {
  for (const [x, target, want] of [
    [1e4, 0, 1e4],
    [-1e4, 1, 1e4],
    [1e4, 1, 0],
    [20, 1, Math.log1p(Math.exp(-20))],
    [-12, 0, Math.log1p(Math.exp(-12))],
    [0, 0.5, Math.LN2],
  ] as const) {
    const [y, dx] = await both(leaf([x]), (t) => bceWithLogits(t, target));
    expect(Math.abs((y[0] as number) - want), `loss of ${x} against ${target}`).toBeLessThanOrEqual(1e-5 * want);
    const slope = 1 / (1 + Math.exp(-x)) - target;
    expect(Math.abs((dx[0] as number) - slope), `slope at ${x} against ${target}`).toBeLessThan(1e-6);
  }
});

test('l1: no gradient where both are equal, and none for one tensor against itself', async () => {
  const b = Tensor.from(device, [4], [1, 2, 3, 4], 'b');
  const [, dx] = await both(leaf([1, 0, 3, 9]), (x) => l1Loss(x, b));
  expect([...dx]).toEqual([0, -0.25, 0, 0.25]);
  expect(await both(leaf([1, 2]), (x) => l1Loss(x, x))).toEqual([Float32Array.of(0), Float32Array.of(0, 0)]);
});

test('NaN propagates through every operation: a bad step must show in the loss', async () => {
  const zero = Tensor.from(device, [3], [0, 0, 0], 'zero');
  const ops: Record<string, (x: Tensor) => Tensor> = {
    sigmoid,
    tanh,
    sum,
    mean,
    add: (x) => add(x, zero),
    mul: (x) => mul(x, zero),
    scale: (x) => scale(x, 0.5),
    bce: (x) => bceWithLogits(x, 1),
    l1: (x) => l1Loss(x, zero),
    mse: (x) => mseLoss(x, zero),
  };
  for (const [name, op] of Object.entries(ops)) {
    const [y] = await both(leaf([1, Number.NaN, 1]), op);
    expect(y.some(Number.isNaN), name).toBe(true);
  }
});

test('a sum of 17 million values is accurate to a few units of float32 and the same every time', {
  tags: 'long',
}, async () => {
  const n = 4096 * 4096 + 5;
  const random = uniform(5);
  const values = Float32Array.from({ length: n }, () => Math.fround(random()));
  const x = Tensor.from(device, [n], values);
  const recorded = await record(device, () => ({ sum: sum(x), mean: mean(x) }));
  recorded.run();
  const want = at(total(nd([n], (i) => values[i] as number)), 0);
  const first = await recorded.outputs.sum.read();
  expect(Math.abs((first[0] as number) / want - 1)).toBeLessThan(3e-7);
  expect(Math.abs(((await recorded.outputs.mean.read())[0] as number) / (want / n) - 1)).toBeLessThan(3e-7);
  recorded.run();
  expect(await recorded.outputs.sum.read()).toEqual(first);
  expect(await recorded.program.brokenGuards()).toEqual([]);
  recorded.destroy();
  x.dispose();
});

test('wrong shapes and arguments are named', async () => {
  const recorded = await record(device, () => {
    const a = Tensor.zeros(device, [2, 3], 'left');
    const b = Tensor.zeros(device, [3, 2], 'right');
    for (const op of [add, mul, l1Loss, mseLoss, bceWithLogits]) {
      expect(() => op(a, b), op.name).toThrow(/left is \[2,3\], right is \[3,2\]/);
    }
    expect(() => scale(a, Number.POSITIVE_INFINITY)).toThrow(/factor is Infinity; it must be a finite number/);
    expect(() => bceWithLogits(a, 1.1)).toThrow(/target is 1.1/);
    const target = Tensor.zeros(device, [2, 3], 'goal');
    target.requiresGrad = true;
    expect(() => bceWithLogits(a, target)).toThrow(/goal asks for a gradient/);
    return add(a, a);
  });
  recorded.destroy();
});

test('whole numbers are computed exactly, and do not mix with floats', async () => {
  const a = Tensor.from(device, [3], Uint32Array.of(16777216, 7, 4000000000), 'a');
  const b = Tensor.from(device, [3], Uint32Array.of(16777217, 7, 5), 'b');
  const c = Tensor.from(device, [2], Int32Array.of(-3, 5), 'c');
  const x = Tensor.from(device, [3], [1, 0, 1], 'x');
  const recorded = await record(device, () => {
    expect(() => add(a, x)).toThrow(/add: a holds u32, x holds f32\n.*Cast it first/);
    expect(() => add(a, 0.5)).toThrow(/add: a holds u32; 0.5 is not a whole number/);
    expect(() => sigmoid(a)).toThrow(/sigmoid: a holds u32; expected floats/);
    return {
      equal: eq(a, b),
      sum: add(a, b),
      negative: mul(c, -2),
      larger: maximum(a, 8),
      chosen: where(x, a, b),
    };
  });
  recorded.run();
  const { equal, sum: total, negative, larger, chosen } = recorded.outputs;
  expect([...(await equal.read())]).toEqual([0, 1, 0]);
  expect([...(await total.readIntegers())]).toEqual([33554433, 14, 4000000005]);
  expect([...(await negative.readIntegers())]).toEqual([6, -10]);
  expect([...(await larger.readIntegers())]).toEqual([16777216, 8, 4000000000]);
  expect([...(await chosen.readIntegers())]).toEqual([16777216, 7, 4000000000]);
  recorded.destroy();
});

test('an invalid argument of an element-wise operation is named with the operation', async () => {
  const recorded = await record(device, () => {
    const x = Tensor.zeros(device, [2], 'x');
    for (const [op, name] of [
      [sigmoid, 'sigmoid'],
      [relu, 'relu'],
      [gelu, 'gelu'],
      [exp, 'exp'],
      [clamp, 'clamp'],
    ] as const) {
      expect(() => op(null as never), name).toThrow(`${name}: x is null; it must be a tensor`);
      expect(() => op(3 as never), name).toThrow(`${name}: x is 3; it must be a tensor`);
    }
    expect(() => add(x, 'one' as never)).toThrow("add: b is 'one'; it must be a tensor or a number");
    expect(() => mul(Number.NaN, x)).toThrow('mul: a is NaN; it must be a tensor or a number');
    expect(() => add(1, 2)).toThrow(/add: an operand must be a tensor/);
    expect(() => leakyRelu(x, -1)).toThrow('leakyRelu: slope is -1; it must be a finite number of at least 0');
    expect(() => gelu(x, 'erf' as never)).toThrow("gelu: approximate is 'erf'; it must be 'none' or 'tanh'");
    expect(() => softplus(x, 0)).toThrow(/softplus: beta is 0/);
    return add(x, x);
  });
  recorded.destroy();
});

test('sigmoid and tanh keep their result and not their input, and x + x needs no kernel for its gradient', async () => {
  // Without guard words tensors may be contiguous, as outside tests, and dy + dy is one dispatch.
  const plain = await openTestDevice();
  const x = leaf([1, 2], 'x', plain);
  const kernels = async (body: () => Tensor) => {
    const recorded = await record(plain, () => {
      backward(sum(body()));
      return x.grad as Tensor;
    });
    const names = recorded.program.kernels.map(({ label }) => label);
    recorded.destroy();
    return { names, dispatches: recorded.program.dispatchCount, last: recorded.program.kernels.at(-1) as Kernel };
  };
  for (const op of [sigmoid, tanh]) {
    const { last } = await kernels(() => op(scale(x, 2)));
    expect(last.label).toBe('scale.dx');
    const { last: own } = await kernels(() => op(x));
    expect(own.shader.bindings.map(({ name }) => name)).toEqual(['p', 'y_in', 'dy_in', 'result']);
  }
  // scale, add, sum and its gradient, dy + dy, scale's gradient. The gradient of the loss itself, 1, is a constant.
  expect((await kernels(() => add(scale(x, 2), scale(x, 3)))).dispatches).toBe(8);
  closeTestDevice(plain);
});

test('a second derivative has no derivative', async () => {
  const x = leaf([0.5]);
  const recorded = await record(device, () => {
    const [first] = grad(sum(exp(x)), [x], { createGraph: true }) as [Tensor];
    const [second] = grad(first, [x], { createGraph: true }) as [Tensor];
    expect(() => backward(second)).toThrow(/exp has no third derivative/);
    return second;
  });
  recorded.run();
  expect((await recorded.outputs.read())[0]).toBeCloseTo(Math.exp(0.5), 6);
  recorded.destroy();
});
