import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { closeAdapter, openAdapter } from '../../../../src/drivers/index.ts';
import { swiftShaderUnsupported } from '../../../../src/drivers/probe/swiftshader.ts';
import { Device } from '../../../../src/engine/gpu/device.ts';
import type { ConvDirection } from '../../../../src/engine/ops/conv/algorithm.ts';
import { conv2d } from '../../../../src/engine/ops/conv/conv2d.ts';
import type { ConvGeometry } from '../../../../src/engine/ops/conv/geometry.ts';
import { add, mul, scale } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { ConvBenchmark } from '../../../../src/pix2pix/train/autotune/conv_benchmark.ts';
import { amount } from '../../../sets.ts';
import { compareWithDirect } from '../compare.ts';
import { uniform } from '../nd.ts';
import { geometry } from './matrix/compare.ts';

/**
 * conv_gemm in the form for GPUs: unrolled, loads ahead of their use, split sums. Runs on SwiftShader, which compiles
 * it in a second where lavapipe takes fifteen, with the small tiles: large ones are the same text with other numbers.
 * `conv_variants.test.ts` covers every tile in the form for CPU drivers, on the driver at hand.
 */

/** Problems with their distinguishing feature, and the tiles to try. */
const CASES: Record<string, { g: ConvGeometry; tiles: readonly string[] }> = {
  'whole passes, vectors from memory, padding': {
    g: geometry({ inC: 16, outC: 70, inH: 8, inW: 12, kernel: 3, pad: 1 }),
    tiles: ['16x64', '16x128', '32x32', '32x64'],
  },
  'no zeros at all': { g: geometry({ inC: 32, outC: 33, inH: 8, inW: 9, kernel: 1 }), tiles: ['32x32'] },
  'passes that go beyond the depth': {
    g: geometry({ inC: 5, outC: 19, inH: 7, inW: 9, kernel: 3, pad: 2 }),
    tiles: ['32x32', '16x64'],
  },
  'a stride': {
    g: geometry({ inC: 6, outC: 17, inH: 13, inW: 10, kernel: 4, stride: 2, pad: 1 }),
    tiles: ['32x64'],
  },
  'a stride of 3 over taps 2 apart': {
    g: geometry({ inC: 3, outC: 9, inH: 17, inW: 14, kernel: 3, stride: 3, pad: 2, dilation: 2 }),
    tiles: ['32x32'],
  },
  'taps 2 apart': {
    g: geometry({ inC: 9, outC: 12, inH: 11, inW: 9, kernel: 3, pad: 2, dilation: 2 }),
    tiles: ['16x64'],
  },
  'a large kernel': { g: geometry({ inC: 2, outC: 5, inH: 18, inW: 17, kernel: 15, pad: 7 }), tiles: ['16x64'] },
  'long sums over few results, which are split': {
    g: geometry({ batch: 1, inC: 130, outC: 72, inH: 5, inW: 4, kernel: 3, pad: 1 }),
    tiles: ['32x64'],
  },
  'groups, one product each, long sums split': {
    g: geometry({ inC: 120, outC: 57, inH: 7, inW: 6, kernel: 3, stride: 2, pad: 1, groups: 3 }),
    tiles: ['32x32', '16x64'],
  },
};

const unsupported = swiftShaderUnsupported();

describe('conv_gemm as GPUs get it', () => {
  beforeEach(({ skip }) => skip(unsupported !== undefined, unsupported));
  afterAll(closeAdapter);

  const directions: readonly ConvDirection[] = ['forward', 'inputGradient', 'weightGradient'];
  for (const [number, [name, { g, tiles }]] of Object.entries(CASES).entries()) {
    for (const [at, direction] of directions.entries()) {
      // The short set takes one direction of each case, in turn.
      const tags = number % directions.length === at ? [] : ['long'];
      test(`${name}, ${direction}`, { tags, timeout: 240_000 }, async () => {
        const { adapter, description } = await openAdapter('swiftshader');
        const device = await Device.open(adapter, description, { guards: true });
        Object.assign(device.capabilities, { cpu: false });
        const trials = new ConvBenchmark(device, direction, g);
        try {
          expect(tiles.length).toBeGreaterThan(0);
          const few = tiles.slice(0, amount(1, tiles.length));
          await compareWithDirect(
            trials,
            few.map((tile) => `gemm ${tile}`),
          );
        } finally {
          trials.destroy();
          device.destroy();
        }
      });
    }
  }

  test.each([
    ['whole', 8],
    ['split', 120],
  ])(
    'what an input gets from another user is added in passing, in the same bits: a sum that is %s',
    async (_, outC) => {
      const { adapter, description } = await openAdapter('swiftshader');
      const device = await Device.open(adapter, description, { guards: true });
      Object.assign(device.capabilities, { cpu: false });
      const random = uniform(5);
      const leaf = (shape: number[]) => {
        const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1);
        return Tensor.from(device, shape, values);
      };
      const [x, w, r, v] = [
        [2, 6, 5, 4],
        [outC, 6, 3, 3],
        [2, outC, 5, 4],
        [2, 6, 5, 4],
      ].map(leaf) as [Tensor, Tensor, Tensor, Tensor];
      x.requiresGrad = true;
      const gradientOf = async (loss: (twice: Tensor) => Tensor) => {
        const { program, outputs } = await record(device, () => {
          x.grad = undefined;
          backward(loss(scale(x, 2)));
          return x.grad as unknown as Tensor;
        });
        program.run();
        const names = program.listing.map(({ label }) => label);
        expect(await program.brokenGuards()).toEqual([]);
        return { values: await outputs.read(), names };
      };
      const convolved = (t: Tensor) => sum(mul(conv2d(t, w, undefined, { padding: 1 }), r));
      const multiplied = (t: Tensor) => sum(mul(t, v));
      const [one, other] = [await gradientOf(convolved), await gradientOf(multiplied)];
      const both = await gradientOf((t) => add(convolved(t), multiplied(t)));
      expect(both.values).toEqual(one.values.map((a, i) => Math.fround(a + (other.values[i] as number))));
      expect(both.names.filter((name) => name === 'add')).toHaveLength(1);
      expect(both.names.includes('reduce_split_k')).toBe(outC > 100);
      device.destroy();
    },
  );
});
