import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { eq } from '../../../../src/engine/ops/elementwise/compare.ts';
import { matmul } from '../../../../src/engine/ops/matmul/matmul.ts';
import { cumsum } from '../../../../src/engine/ops/reduce/cumsum.ts';
import { amax, argmax, argmin } from '../../../../src/engine/ops/reduce/extremes.ts';
import { norm, variance } from '../../../../src/engine/ops/reduce/moments.ts';
import { mean, sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { logSoftmax, softmax } from '../../../../src/engine/ops/reduce/softmax.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { uniform } from '../nd.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

const { NaN: nan } = Number;

function leaf(shape: number[], values: readonly number[], label = 'x'): Tensor {
  const x = Tensor.from(device, shape, values, label);
  x.requiresGrad = true;
  return x;
}

/** Values of what `body` gives, and of the gradient of x. */
async function both(x: Tensor, body: () => Tensor): Promise<[number[], number[]]> {
  const recorded = await record(device, () => {
    const y = body();
    backward(y, Tensor.from(device, y.shape, new Float32Array(y.size).fill(1), 'dy'));
    return [y, x.grad as Tensor] as const;
  });
  recorded.run();
  const [y, dx] = await Promise.all(recorded.outputs.map((t) => t.read()));
  recorded.destroy();
  return [[...(y as Float32Array)], [...(dx as Float32Array)]];
}

test('equal values share the gradient; NaN is the largest', async () => {
  const x = leaf([2, 4], [3, 1, 3, 3, -1, -1, -2, -5]);
  const [y, dx] = await both(x, () => amax(x, 1));
  expect(y).toEqual([3, -1]);
  [1 / 3, 0, 1 / 3, 1 / 3, 0.5, 0.5, 0, 0].forEach((v, i) => {
    expect(dx[i]).toBeCloseTo(v, 6);
  });
  const odd = Tensor.from(device, [2, 4], [1, nan, Infinity, nan, -Infinity, -Infinity, -Infinity, -Infinity]);
  const recorded = await record(device, () => [amax(odd, 1), argmax(odd, 1), argmin(odd, 1)] as const);
  recorded.run();
  const [most, place, least] = recorded.outputs;
  expect([...(await most.read())]).toEqual([nan, -Infinity]);
  expect([...(await place.readIntegers())]).toEqual([1, 0]);
  expect([...(await least.readIntegers())]).toEqual([1, 0]);
  recorded.destroy();
});

test('a norm of 0 has the gradient 0', async () => {
  const x = leaf([2, 3], [0, 0, 0, 3, 4, 0]);
  const [y, dx] = await both(x, () => norm(x, 2, 1));
  expect(y).toEqual([0, 5]);
  [0, 0, 0, 0.6, 0.8, 0].forEach((v, i) => {
    expect(dx[i]).toBeCloseTo(v, 6);
  });
});

test('a variance is accurate next to a large mean', async () => {
  const random = uniform(3);
  const values = Float32Array.from({ length: 5000 }, () => 1000 + 1e-3 * random());
  const x = Tensor.from(device, [5000], values);
  const recorded = await record(device, () => variance(x));
  recorded.run();
  const centre = values.reduce((a, b) => a + b, 0) / values.length;
  const want = values.reduce((a, b) => a + (b - centre) ** 2, 0) / (values.length - 1);
  // Halfway between two float32 the mean itself may be off by 3e-5, and the variance by the square of that.
  expect(Math.abs(((await recorded.outputs.read())[0] as number) - want)).toBeLessThan(2e-9);
  recorded.destroy();
});

test('softmax: large values, −∞ as a mask, all masked, NaN', async () => {
  const rows = [
    [1000, 0, -1000],
    [-Infinity, 2, 2],
    [-Infinity, -Infinity, -Infinity],
    [1, nan, 1],
  ];
  const x = Tensor.from(device, [4, 3], rows.flat());
  const recorded = await record(device, () => [softmax(x, 1), logSoftmax(x, 1)] as const);
  recorded.run();
  const [y, log] = await Promise.all(recorded.outputs.map((t) => t.read()));
  expect([...(y as Float32Array)]).toEqual([1, 0, 0, 0, 0.5, 0.5, nan, nan, nan, nan, nan, nan]);
  expect([...(log as Float32Array).subarray(0, 3)]).toEqual([0, -1000, -2000]);
  expect(log?.[3]).toBe(-Infinity);
  expect(log?.[4]).toBeCloseTo(-Math.LN2, 6);
  recorded.destroy();
});

test('sums over an axis are accurate to a few units of float32, and the same every time', async () => {
  const [rows, columns] = [3, 100_003];
  const random = uniform(9);
  const values = Float32Array.from({ length: rows * columns }, () => Math.fround(random()));
  const x = Tensor.from(device, [rows, columns], values);
  const recorded = await record(device, () => [sum(x, 1), mean(x, [1], { keepDims: true })] as const);
  recorded.run();
  const [first] = await Promise.all(recorded.outputs.map((t) => t.read()));
  for (let row = 0; row < rows; row++) {
    const want = values.subarray(row * columns, (row + 1) * columns).reduce((a, b) => a + b, 0);
    expect(Math.abs((first?.[row] as number) / want - 1)).toBeLessThan(3e-7);
  }
  expect(recorded.outputs[1].shape).toEqual([rows, 1]);
  recorded.run();
  expect(await recorded.outputs[0].read()).toEqual(first);
  expect(await recorded.program.brokenGuards()).toEqual([]);
  recorded.destroy();
});

test('the accuracy is the mean of a comparison', async () => {
  const logits = Tensor.from(device, [4, 2], [1, 2, 3, 1, 0, 5, 7, 1]);
  const labels = Tensor.from(device, [4], Uint32Array.of(1, 0, 0, 0));
  const recorded = await record(device, () => mean(eq(argmax(logits, 1), labels)));
  recorded.run();
  expect([...(await recorded.outputs.read())]).toEqual([0.75]);
  recorded.destroy();
});

test('wrong axes, shapes and arguments are named, by PixtapeErrors', async () => {
  const recorded = await record(device, () => {
    const x = Tensor.zeros(device, [2, 3], 'x');
    const wrong: [() => unknown, RegExp][] = [
      [() => sum(x, 2), /sum: there is no axis 2 in x \[2,3\]/],
      [() => sum(x, [0, 0]), /sum: the axes \[0,0\] name one axis/],
      [() => sum(x, []), /sum: the axes are \[\]/],
      [() => sum(x, 0.5), /sum: there is no axis 0.5/],
      [() => sum(x, 0, { keepdim: true } as never), /sum: there is no option keepdim\n.*It takes keepDims/],
      [() => mean(null as never), /mean: x is null/],
      [() => variance(x, 0, { correction: 2 }), /variance: x \[2,3\] has 2 values per result/],
      [() => variance(x, 0, { correction: nan }), /variance: correction is NaN/],
      [() => norm(x, 0), /norm: p is 0/],
      [() => argmax(x, '1' as never), /argmax: the axes are 1|argmax: there is no axis 1/],
      [() => softmax(x, 2), /softmax: there is no axis 2/],
      [() => logSoftmax(x, undefined as never), /logSoftmax: there is no axis undefined/],
      [() => cumsum(x, -3), /cumsum: there is no axis -3/],
      [() => matmul(x, x), /matmul: x \[2,3\] has 3 columns, x \[2,3\] 2 rows/],
      [() => matmul(x, x, { transpose: true } as never), /matmul: there is no option transpose/],
      [
        () => matmul(Tensor.zeros(device, [2, 2, 3], 'a'), Tensor.zeros(device, [3, 3, 2], 'b')),
        /a batch of \[2,2,3\] is \[2\]/,
      ],
    ];
    for (const [call, message] of wrong) {
      expect(call).toThrow(message);
      expect(call).toThrow(PixtapeError);
    }
    return sum(x);
  });
  recorded.destroy();
});
