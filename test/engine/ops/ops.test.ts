import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';
import { runs } from '../../sets.ts';
import { check } from './check.ts';
import { convolutions } from './conv/table_conv.ts';
import { structural } from './loss/table_ssim.ts';
import { norms } from './norm/table_norm.ts';
import { permutations } from './shape/table_permute.ts';
import { pictureShapes } from './shape/table_pictures.ts';
import { rows } from './table.ts';

/** Random problems for each operation, determined by the seed alone. */
const RUNS = runs(3, 100);
/** Almost every shape of a convolution is a kernel text of its own, which a CPU driver compiles for seconds. */
const CONV_RUNS = runs(2, 100);
const SEED = Number(process.env.OP_SEED ?? 1);

let device: Device;
/** The same adapter posing as a GPU: for tilings and kernels that CPU drivers do not get. */
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

describe.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
  const numRuns = convolutions.includes(row) ? CONV_RUNS : RUNS;
  test(`${numRuns} random shapes: forward, gradients, guards`, async () => {
    const property = fc.asyncProperty(row.problem, fc.nat(), (problem, seed) => check(device, row, problem, seed));
    await fc.assert(property, { numRuns, seed: SEED });
  }, 180_000);

  for (const problem of row.large ?? []) {
    const options = { tags: 'long', timeout: 180_000 };
    test(`large: ${JSON.stringify(problem)}`, options, () => check(device, row, problem, SEED, true));
  }
});

/** Operations with other kernels or tilings on GPUs. */
const withGpuKernels = [...structural, ...pictureShapes, ...permutations, ...norms];

describe.each(withGpuKernels.map((row) => [row.name, row] as const))('%s as on a GPU', (_, row) => {
  test('random and large shapes', { tags: 'long', timeout: 180_000 }, async () => {
    const property = fc.asyncProperty(row.problem, fc.nat(), (problem, seed) => check(asGpu, row, problem, seed));
    await fc.assert(property, { numRuns: 20, seed: 2 });
    for (const problem of row.large ?? []) await check(asGpu, row, problem, 2, true);
  });
});
