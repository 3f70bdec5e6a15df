/** @module-tag long */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeAdapter } from '../../../../../src/drivers/index.ts';
import type { Device } from '../../../../../src/engine/gpu/device.ts';
import { convTuning } from '../../../../../src/engine/ops/conv/tuning/tuning.ts';
import { fromHalf, toHalf } from '../../../../../src/engine/util/half.ts';
import { check } from '../../check.ts';
import { rows } from '../../table.ts';
import { matrixDevice } from './devices.ts';

/** Operations of precision f16 on the driver's own matrices (see `driver.test.ts`), against their references. */
process.env.LP_NATIVE_VECTOR_WIDTH = '256';

let device: Device | undefined;
beforeAll(async () => {
  device = await matrixDevice();
});
afterAll(() => {
  device?.destroy();
  closeAdapter();
});

const PROBLEMS = [
  {
    name: 'conv2d',
    shapes: [[2, 20, 7, 9], [18, 20, 3, 3], [18]],
    args: { stride: [1, 1], padding: [1, 1], outputPadding: [0, 0] },
    most: 3,
  },
  {
    name: 'matmul of two matrices',
    shapes: [
      [40, 36],
      [36, 33],
    ],
    args: {},
    most: 3,
  },
  {
    name: 'matmul of batches',
    shapes: [
      [2, 3, 40, 36],
      [2, 3, 36, 33],
    ],
    args: {},
    most: 3,
  },
];

test.for(PROBLEMS)(
  '$name takes it in every direction',
  { timeout: 240_000 },
  async ({ name, most, ...problem }, { skip }) => {
    skip(!device, 'no matrices with this driver');
    const row = rows.find((r) => r.name === name);
    if (!device || !row) throw new Error(`no operation ${name}`);
    // Weights stay float32 and are rounded when loaded. Values that are halves already are not.
    const values = (random: () => number, shape: readonly number[]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [...fromHalf(toHalf(Float32Array.from({ length: size }, () => 4 * random() - 2)))];
    };
    const before = new Set(convTuning(device).taken.keys());
    await check(device, { ...row, values }, problem, 3, true, 'f16');
    const taken = [...convTuning(device).taken].filter(([key]) => !before.has(key));
    expect(taken).toHaveLength(most);
    for (const [key, { choice }] of taken) expect(choice, key).toMatch(/^matrix /);
  },
);
