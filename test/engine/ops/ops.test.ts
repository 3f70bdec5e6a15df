import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';
import { runs } from '../../sets.ts';
import { check } from './check.ts';
import { rows } from './table.ts';

/** Random problems for each operation. Every one of them depends on the seed alone. */
const RUNS = runs(6, 100);
const SEED = Number(process.env.OP_SEED ?? 1);

let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

describe.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
  test(`${RUNS} random shapes: forward, gradients, guards`, async () => {
    const property = fc.asyncProperty(row.problem, fc.nat(), (problem, seed) => check(device, row, problem, seed));
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
  }, 180_000);

  for (const problem of row.large ?? []) {
    const options = { tags: 'long', timeout: 180_000 };
    test(`large: ${JSON.stringify(problem)}`, options, () => check(device, row, problem, SEED, true));
  }
});
