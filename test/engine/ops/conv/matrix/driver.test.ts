/** @module-tag long */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeAdapter, openExperimental } from '../../../../../src/drivers/index.ts';
import type { Device } from '../../../../../src/engine/gpu/device.ts';
import {
  type MatrixInfo,
  matrixTrial,
  matrixUnits,
  multipliesRight,
} from '../../../../../src/engine/gpu/shader/matrix_unit.ts';
import { CASES, compareWithGemm, DIRECTIONS } from './compare.ts';
import { matrixDevice, plainDevice } from './devices.ts';

/**
 * conv_matrix on a driver with matrices, such as Mesa's for CPUs since 25.2 (which crashes with them on vectors of 512
 * bits). Tests the operations that `conv_matrix.test.ts` emulates.
 */
process.env.LP_NATIVE_VECTOR_WIDTH = '256';

const NONE = 'no matrices with this driver';
let plain: Device | undefined;
let device: Device | undefined;

beforeAll(async () => {
  plain = await plainDevice();
  device = await matrixDevice();
});
afterAll(() => {
  plain?.destroy();
  device?.destroy();
  closeAdapter();
});

describe.each(Object.entries(CASES))('conv_matrix by the driver: %s', (_, g) => {
  test.for(DIRECTIONS)('%s', { timeout: 240_000 }, async (direction, { skip }) => {
    skip(!device, NONE);
    if (plain && device) await compareWithGemm(plain, device, g, direction, ['matrix 16x64']);
  });
});

test('both spellings of Dawn give the same results, and the trial notices a wrong product', async ({ skip }) => {
  skip(!device, NONE);
  if (!device) return;
  const { adapter } = await openExperimental('auto');
  const units = matrixUnits(adapter.info as MatrixInfo, device.gpu.features);
  expect(units.length).toBeGreaterThan(1);
  for (const unit of units) expect(await multipliesRight(device.gpu, matrixTrial(unit)), unit.operations).toBe(true);
  const trial = matrixTrial(units[0] as (typeof units)[number]);
  expect(
    await multipliesRight(device.gpu, { ...trial, expected: trial.expected.map((v, i) => v + (i === 9 ? 1 : 0)) }),
  ).toBe(false);
  expect(await multipliesRight(device.gpu, { ...trial, code: trial.code.replace('row_major', 'rows_first') })).toBe(
    false,
  );
  await device.check();
});
