import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { BatchNorm2d } from '../../../../src/engine/nn/layers.ts';
import { groupNorm } from '../../../../src/engine/ops/norm/group_norm.ts';
import { instanceNorm } from '../../../../src/engine/ops/norm/instance_norm.ts';
import { layerNorm } from '../../../../src/engine/ops/norm/layer_norm.ts';
import { channelSum } from '../../../../src/engine/ops/reduce/channel_sum.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { uniform } from '../nd.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

/** Each normalises one plane of one channel of one picture. */
const NORMS: Record<string, (x: Tensor) => Tensor> = {
  'batch norm': (x) => new BatchNorm2d(device, x.shape[1] as number).forward(x),
  'instance norm': (x) => instanceNorm(x),
  'group norm': (x) => groupNorm(x, 1),
  'layer norm': (x) => layerNorm(x, x.shape.slice(1)),
};

/** y and, for these gradients of it, dx. */
async function both(norm: (x: Tensor) => Tensor, shape: number[], values: Float32Array, dy: Float32Array) {
  const x = Tensor.from(device, shape, values, 'x');
  x.requiresGrad = true;
  const recorded = await record(device, () => {
    const y = norm(x);
    backward(y, Tensor.from(device, shape, dy, 'dy'));
    return [y, x.grad as Tensor] as const;
  });
  recorded.run();
  const [y, dx] = await Promise.all(recorded.outputs.map((t) => t.read()));
  expect(await recorded.program.brokenGuards()).toEqual([]);
  recorded.destroy();
  return { y: y as Float32Array, dx: dx as Float32Array };
}

/** The same in float64. */
function exactly(values: Float32Array, dy: Float32Array) {
  const n = values.length;
  const average = (f: (i: number) => number) => Array.from(values, (_, i) => f(i)).reduce((a, b) => a + b, 0) / n;
  const mean = average((i) => values[i] as number);
  const deviation = Math.sqrt(average((i) => ((values[i] as number) - mean) ** 2) + 1e-5);
  const z = Array.from(values, (v) => (v - mean) / deviation);
  const [g, gz] = [average((i) => dy[i] as number), average((i) => (dy[i] as number) * (z[i] as number))];
  return { y: z, dx: z.map((v, i) => ((dy[i] as number) - g - v * gz) / deviation) };
}

function largestError(got: ArrayLike<number>, want: readonly number[]): number {
  const most = Math.max(1e-30, ...want.map(Math.abs));
  return Math.max(...want.map((v, i) => Math.abs((got[i] as number) - v))) / most;
}

const noise = (n: number, seed: number) => {
  const random = uniform(seed);
  return Float32Array.from({ length: n }, () => 2 * random() - 1);
};

describe.each(Object.entries(NORMS))('%s', (_, norm) => {
  test.each([
    ['16 values', 4, 4],
    ['4,096 values', 64, 64],
  ])('a mean that is large against the deviation, 1000 + i / 1000, of %s', async (__, height, width) => {
    const values = Float32Array.from({ length: height * width }, (___, i) => 1000 + i * 1e-3);
    const dy = noise(values.length, 1);
    const [got, want] = [await both(norm, [1, 1, height, width], values, dy), exactly(values, dy)];
    // PyTorch's own float32 is off by 2e-5 to 1e-2 here.
    expect(largestError(got.y, want.y), 'y').toBeLessThan(2e-6);
    expect(largestError(got.dx, want.dx), 'dx').toBeLessThan(1e-5);
  });

  test('a first value far from all others is a bad pivot, but costs few digits', async () => {
    const values = noise(4096, 2);
    values[0] = 1e6;
    const dy = noise(4096, 3);
    const [got, want] = [await both(norm, [1, 1, 64, 64], values, dy), exactly(values, dy)];
    expect(largestError(got.y, want.y), 'y').toBeLessThan(5e-6);
    expect(largestError(got.dx, want.dx), 'dx').toBeLessThan(1e-4);
  });

  test.each([1e15, 1e20, 1e30, 1e37])('values of %f stay finite and correct', async (size) => {
    const values = noise(640, 4).map((v) => v * size);
    const dy = noise(640, 5);
    const [got, want] = [await both(norm, [1, 1, 32, 20], values, dy), exactly(values, dy)];
    expect(largestError(got.y, want.y), 'y').toBeLessThan(5e-6);
    expect(largestError(got.dx, want.dx), 'dx').toBeLessThan(1e-5);
  });

  test('one value of 1e30 among small ones', async () => {
    const values = noise(640, 6);
    values[77] = 1e30;
    const { y, dx } = await both(norm, [1, 1, 32, 20], values, noise(640, 7));
    expect([...y, ...dx].every(Number.isFinite)).toBe(true);
    expect(y[77]).toBeCloseTo(Math.sqrt(639), 3);
  });
});

/** One more than fits one dimension of workgroups, and a few. */
const MANY = 65_535 + 4;

describe('more channels than fit one dimension of workgroups', { tags: 'long' }, () => {
  const values = noise(MANY * 2, 8);
  const dy = noise(MANY * 2, 9);
  /** The norm of two values v and w: ±1, if their difference is large against eps. */
  const wanted = (i: number) => {
    const [v, w] = [values[i - (i % 2)] as number, values[i - (i % 2) + 1] as number];
    const half = (v - w) / 2;
    return (i % 2 === 0 ? half : -half) / Math.sqrt(half * half + 1e-5);
  };

  test.each([
    ['batch norm', NORMS['batch norm']],
    ['instance norm', NORMS['instance norm']],
    ['group norm', (x: Tensor) => groupNorm(x, MANY)],
    ['layer norm', (x: Tensor) => layerNorm(x, 2)],
  ] as const)('%s', async (name, norm) => {
    const shape = name === 'layer norm' ? [MANY, 2] : [1, MANY, 1, 2];
    const { y, dx } = await both(norm as (x: Tensor) => Tensor, shape, values, dy);
    let off = 0;
    for (let i = 0; i < y.length; i++) off = Math.max(off, Math.abs((y[i] as number) - wanted(i)));
    expect(off).toBeLessThan(1e-4);
    expect(dx.every(Number.isFinite)).toBe(true);
  });

  test('the sum of each channel', async () => {
    const x = Tensor.from(device, [1, MANY, 1, 2], values, 'x');
    const recorded = await record(device, () => channelSum(x));
    recorded.run();
    const sums = await recorded.outputs.read();
    for (const c of [0, 1, 65_534, 65_535, 65_536, MANY - 1]) {
      expect(sums[c], `channel ${c}`).toBeCloseTo((values[2 * c] as number) + (values[2 * c + 1] as number), 6);
    }
    recorded.destroy();
  });
});
