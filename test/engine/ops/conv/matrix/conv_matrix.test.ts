/** @module-tag long */
import { afterAll, beforeEach, describe, test } from 'vitest';
import { closeAdapter } from '../../../../../src/drivers/index.ts';
import { swiftShaderUnsupported } from '../../../../../src/drivers/probe/swiftshader.ts';
import { CASES, compareWithGemm, DIRECTIONS } from './compare.ts';
import { emulatedDevice, plainDevice, type SIZES } from './devices.ts';

/**
 * conv_matrix on a unit that is emulated in plain WGSL: its tiles, indices, edges and epilogue. On SwiftShader, which
 * compiles it in two seconds where lavapipe takes forty. `driver.test.ts` tests the operations themselves.
 */

/** The units for each case, with tiles of few matrices. */
const TRIED: readonly { name: keyof typeof CASES; unit: keyof typeof SIZES; tile: string }[] = [
  { name: 'whole passes, vectors from memory, padding', unit: '16x16x16', tile: '32x64' },
  { name: 'no zeros at all', unit: '8x16x16', tile: '16x64' },
  { name: 'no zeros at all', unit: '16x8x8', tile: '16x64' },
  { name: 'passes that go beyond the depth, a stride', unit: '16x16x16', tile: '16x64' },
  { name: 'a stride of 3 over taps 2 apart', unit: '16x16x16', tile: '16x64' },
  { name: 'groups, one product each, long sums split', unit: '16x16x16', tile: '16x64' },
];

const unsupported = swiftShaderUnsupported();

describe('conv_matrix, emulated', () => {
  beforeEach(({ skip }) => skip(unsupported !== undefined, unsupported));
  afterAll(closeAdapter);

  const all = TRIED.flatMap((row) => DIRECTIONS.map((direction) => ({ ...row, direction })));
  test.each(all)('$name, $direction, on $unit', { timeout: 240_000 }, async ({ name, unit, direction, tile }) => {
    const [plain, device] = [await plainDevice('swiftshader'), await emulatedDevice(unit)];
    try {
      await compareWithGemm(plain, device, CASES[name], direction, [`matrix ${tile}`]);
    } finally {
      for (const each of [plain, device]) each.destroy();
    }
  });
});
