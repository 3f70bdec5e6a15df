import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { closeAdapter, openAdapter } from '../../../../src/drivers/index.ts';
import { swiftShaderUnsupported } from '../../../../src/drivers/probe/swiftshader.ts';
import { Device, type DeviceOptions } from '../../../../src/engine/gpu/device.ts';
import type { ConvDirection } from '../../../../src/engine/ops/conv/algorithm.ts';
import { parseConvKey } from '../../../../src/engine/ops/conv/tuning/key.ts';
import { convCandidates } from '../../../../src/engine/ops/conv/tuning/registry.ts';
import { ConvBenchmark } from '../../../../src/pix2pix/train/autotune/conv_benchmark.ts';
import { check } from '../check.ts';
import { compareWithDirect } from '../compare.ts';
import { convolutions } from './table_conv.ts';

/**
 * The kernels of `tile` for drivers with four lanes, on SwiftShader, whatever driver the other tests use.
 * `conv_variants.test.ts` covers every candidate on that one.
 */

/** The problem, after the direction, and the default tilings of the three directions. */
const CASES: Record<string, { key: string; own: readonly [string, string, string] }> = {
  'more channels than a workgroup has, edges everywhere': {
    key: '2x13x9x11 18x13x3x3 s1x1 p1x1',
    own: ['tile 2x4x8', 'tile 2x4x8', 'tile 2x4x8'],
  },
  'fewer channels than lanes': { key: '1x3x6x9 2x3x3x3 s1x1 p0x0', own: ['tile 4x4x4', 'tile 4x4x4', 'tile 2x4x4'] },
  'a picture smaller than a patch, padded by more than the kernel reaches': {
    key: '1x15x2x3 7x15x3x3 s1x1 p2x2',
    own: ['tile 2x4x8', 'tile 2x4x8', 'tile 2x4x8'],
  },
  '2 × 2': { key: '2x9x9x7 17x9x2x2 s1x1 p1x1', own: ['tile 2x4x16', 'tile 2x4x16', 'tile 2x4x16'] },
  '2 × 2, few channels': { key: '2x7x9x7 6x7x2x2 s1x1 p1x1', own: ['tile 4x4x8', 'tile 4x4x8', 'tile 2x4x8'] },
  '4 × 4': { key: '1x6x7x6 5x6x4x4 s1x1 p1x1', own: ['tile 2x4x4', 'tile 2x4x4', 'tile 2x4x4'] },
  '4 × 4, a stride of 2': { key: '2x9x13x10 18x9x4x4 s2x2 p1x1', own: ['fold 2x4x16', 'fold 2x4x16', 'fold 2x4x16'] },
  groups: { key: '2x18x9x11 20x9x3x3 s1x1 p1x1 g2', own: ['tile 2x4x8', 'tile 2x4x8', 'tile 2x4x8'] },
};

const DIRECTIONS: readonly ConvDirection[] = ['forward', 'inputGradient', 'weightGradient'];
const unsupported = swiftShaderUnsupported();

async function open(options: DeviceOptions = {}): Promise<Device> {
  const { adapter, description } = await openAdapter('swiftshader');
  return Device.open(adapter, description, { ...options, guards: true });
}

describe('convolutions on four lanes', () => {
  beforeEach(({ skip }) => skip(unsupported !== undefined, unsupported));
  afterAll(closeAdapter);

  for (const [number, [name, { key, own }]] of Object.entries(CASES).entries()) {
    for (const [at, direction] of DIRECTIONS.entries()) {
      // The short set takes one direction of each case, in turn.
      const tags = number % DIRECTIONS.length === at ? [] : ['long'];
      test(`${name}, ${direction}`, { tags, timeout: 240_000 }, async () => {
        const g = parseConvKey(`${direction} ${key}`)?.g;
        if (!g) throw new Error(`"${key}" is no key of a convolution`);
        const device = await open();
        const trials = new ConvBenchmark(device, direction, g);
        try {
          expect(device.capabilities.subgroupSize).toBe(4);
          const candidates = convCandidates(device, direction, g).map(({ name }) => name);
          expect(candidates.find((name) => /^(tile|fold)/.test(name))).toBe(own[at]);
          await compareWithDirect(trials, [own[at] as string]);
        } finally {
          trials.destroy();
          device.destroy();
        }
      });
    }
  }

  test('weights larger than one binding are processed in slices', async () => {
    const [forward] = convolutions;
    if (!forward) throw new Error('no row for conv2d');
    const device = await open({ maxBinding: 12 * 1024 });
    try {
      const args = { stride: [1, 1], padding: [1, 1], outputPadding: [0, 0] };
      await check(device, forward, { shapes: [[1, 32, 6, 7], [24, 32, 3, 3], [24]], args }, 3, true);
    } finally {
      device.destroy();
    }
  }, 240_000);
});
