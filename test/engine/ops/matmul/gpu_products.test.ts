import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { convTuning } from '../../../../src/engine/ops/conv/tuning/tuning.ts';
import type { MatmulOptions } from '../../../../src/engine/ops/matmul/matmul.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { runs } from '../../../sets.ts';
import { check } from '../check.ts';
import type { OpRow } from '../table_row.ts';
import { products } from './table_matmul.ts';

/** Products as GPUs compute them: a batch of them as one convolution with a group for each, where none is repeated. */

let device: Device;
beforeAll(async () => {
  device = await openTestDevice({ guards: true, algorithm: 'gemm' });
});
afterAll(() => closeTestDevice(device));

const batches = products.find(({ name }) => name === 'matmul of batches') as OpRow;

/** How many products `recorded` computes as convolutions, all of them by the GPU's kernel. */
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

test('random batches', { tags: 'long', timeout: 240_000 }, async () => {
  const property = fc.asyncProperty(batches.problem, fc.nat(), (problem, seed) =>
    check(device, batches, problem, seed),
  );
  await fc.assert(property, { numRuns: runs(5, 30), seed: 4 });
  for (const problem of batches.large ?? []) await check(device, batches, problem, 2, true);
});
