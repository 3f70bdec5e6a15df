import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { convTuning } from '../../../../src/engine/ops/conv/tuning/tuning.ts';
import { type MatmulOptions, matmul } from '../../../../src/engine/ops/matmul/matmul.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { runs } from '../../../sets.ts';
import { check } from '../check.ts';
import { uniform } from '../nd.ts';
import type { OpRow } from '../table_row.ts';
import { products } from './table_matmul.ts';

/** Products as GPUs compute them: a batch of them as one convolution with a group for each, where none is repeated. */

let device: Device;
beforeAll(async () => {
  device = await openTestDevice({ guards: true, algorithm: 'gemm' });
});
afterAll(() => closeTestDevice(device));

const batches = products.find(({ name }) => name === 'matmul of batches') as OpRow;

/** How many products of a matmul and its gradients are convolutions. All of these must take the GPU's kernel. */
async function convolutionsOf(shapes: number[][], args: MatmulOptions, repeat = false): Promise<number> {
  const uses = () => [...convTuning(device).taken.values()].reduce((sum, conv) => sum + conv.uses, 0);
  const before = uses();
  await check(device, { ...batches, twice: false }, { shapes, args }, 5, repeat);
  for (const { choice } of convTuning(device).taken.values()) expect(choice).toMatch(/^gemm /);
  return uses() - before;
}

describe('a batch of products', () => {
  test.for([
    { transposeA: false, transposeB: false },
    { transposeA: true, transposeB: false },
    { transposeA: false, transposeB: true },
  ])('is one convolution in each direction: %o', { timeout: 120_000 }, async (args) => {
    const left = args.transposeA ? [2, 3, 23, 19] : [2, 3, 19, 23];
    const right = args.transposeB ? [2, 3, 21, 23] : [2, 3, 23, 21];
    expect(await convolutionsOf([left, right], args, true)).toBe(3);
  });

  test('of more matrices than a convolution may have groups is none', async () => {
    const shapes = [
      [129, 2, 3],
      [129, 3, 2],
    ];
    expect(await convolutionsOf(shapes, {})).toBe(0);
  });

  test('does not copy a matrix that is repeated: only the gradient that repeats none is a convolution', async () => {
    const shapes = [
      [1, 3, 4, 5],
      [2, 3, 5, 6],
    ];
    expect(await convolutionsOf(shapes, {})).toBe(1);
  });
});

test('the tiles of a repeated matrix give the results of the kernel for CPU drivers', async () => {
  const forCpus = await openTestDevice({ guards: true });
  const random = uniform(4);
  const draw = (length: number) => Float32Array.from({ length }, () => random() - 0.5);
  const [left, right] = [draw(70 * 37), draw(3 * 37 * 131)];
  const computed = async (on: Device) => {
    const a = Tensor.from(on, [1, 70, 37], left);
    const b = Tensor.from(on, [3, 37, 131], right);
    const turned = [Tensor.from(on, [1, 37, 70], left), Tensor.from(on, [3, 131, 37], right)] as const;
    const recorded = await record(on, () => [
      matmul(a, b),
      matmul(...turned, { transposeA: true, transposeB: true }),
      matmul(a, turned[1], { transposeB: true }),
      matmul(turned[0], b, { transposeA: true }),
    ]);
    recorded.run();
    const values = await Promise.all(recorded.outputs.map((t) => t.read()));
    expect(await recorded.program.brokenGuards()).toEqual([]);
    const labels = recorded.program.kernels.map(({ label }) => label);
    recorded.destroy();
    return { values, labels };
  };
  // One after the other: both compile on the same cores.
  const results = [await computed(forCpus), await computed(device)];
  expect(results[1]?.labels.every((label) => label === 'matmul')).toBe(true);
  results[0]?.values.forEach((value, i) => {
    const off = value.map((v, k) => Math.abs(v - (results[1]?.values[i]?.[k] as number)));
    expect(off.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(2e-6);
  });
  closeTestDevice(forCpus);
}, 180_000);

test('random batches', { tags: 'long', timeout: 240_000 }, async () => {
  const property = fc.asyncProperty(batches.problem, fc.nat(), (problem, seed) =>
    check(device, batches, problem, seed),
  );
  await fc.assert(property, { numRuns: runs(5, 30), seed: 4 });
  for (const problem of batches.large ?? []) await check(device, batches, problem, 2, true);
});
