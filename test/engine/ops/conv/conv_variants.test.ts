/** @module-tag long */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeAdapter } from '../../../../src/drivers/index.ts';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { dryRunDevice } from '../../../../src/engine/gpu/dry_run.ts';
import type { ConvDirection } from '../../../../src/engine/ops/conv/algorithm.ts';
import { gemm } from '../../../../src/engine/ops/conv/algorithms/gemm/gemm.ts';
import { TILES } from '../../../../src/engine/ops/conv/algorithms/gemm/tiles.ts';
import type { ConvGeometry } from '../../../../src/engine/ops/conv/geometry.ts';
import { parseConvKey } from '../../../../src/engine/ops/conv/tuning/key.ts';
import { convCandidates } from '../../../../src/engine/ops/conv/tuning/registry.ts';
import { convTuning } from '../../../../src/engine/ops/conv/tuning/tuning.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { ConvBenchmark } from '../../../../src/pix2pix/train/autotune/conv_benchmark.ts';
import { openTestDevice, type TestDeviceOptions } from '../../../device.ts';
import { check } from '../check.ts';
import { compareWithDirect } from '../compare.ts';
import type { OpRow, Problem } from '../table_row.ts';
import { convProblem, transposedProblemOf } from './problems.ts';
import { convolutions } from './table_conv.ts';

/** Every algorithm passes the tests that the device's own choice passes in `ops.test.ts`. */
const VARIANTS: Record<string, TestDeviceOptions> = {
  'the direct reference kernel': { algorithm: 'direct' },
  'matrix products through workgroup memory': { algorithm: 'gemm' },
};

const RUNS = Number(process.env.OP_RUNS ?? 30);

afterAll(closeAdapter);

describe.each(Object.entries(VARIANTS))('%s', (_, options) => {
  test.each(convolutions.map((row) => [row.name, row] as const))(
    '%s',
    async (_, row) => {
      const device = await openTestDevice({ ...options, guards: true });
      try {
        const property = fc.asyncProperty(row.problem, fc.nat(), (problem, seed) => check(device, row, problem, seed));
        await fc.assert(property, { numRuns: RUNS, seed: 2 });
        for (const problem of row.large ?? []) await check(device, row, problem, 1, true);
      } finally {
        device.destroy();
      }
    },
    240_000,
  );
});

/**
 * Odd sizes for every kind of convolution for which a variant may have special kernels. Few channels leave few choices:
 * CPU drivers take seconds to compile each, and more channels at once are the same text with another constant.
 */
const ODD: Record<string, Problem<unknown>[]> = {
  conv2d: [
    conv([2, 13, 9, 11], [16, 13, 3, 3], 1, 1),
    conv([1, 5, 6, 9], [3, 5, 3, 3], 1, 0),
    conv([1, 15, 2, 3], [7, 15, 3, 3], 1, 2, false),
    conv([2, 7, 9, 7], [6, 7, 2, 2], 1, 1),
    conv([2, 9, 5, 7], [12, 9, 1, 1], 1, 0),
    conv([2, 9, 13, 10], [18, 9, 4, 4], 2, 1),
    conv([1, 6, 7, 6], [5, 6, 4, 4], 1, 1),
    conv([1, 6, 9, 12], [9, 6, 3, 3], 2, 1),
    conv([1, 3, 11, 12], [9, 3, 7, 7], 1, 3),
    // Sums so long, with so few results, that matrix products are split.
    conv([1, 41, 5, 6], [33, 41, 5, 5], 1, 2),
    // More rows and columns than one tile has.
    conv([2, 37, 10, 12], [131, 37, 2, 2], 1, 1, false),
  ],
  'conv2d through a leaky relu': [
    conv([1, 14, 7, 10], [15, 14, 3, 3], 1, 1),
    conv([1, 115, 5, 3], [9, 115, 3, 3], 1, 1),
  ],
  conv_transpose2d: [
    conv([1, 130, 5, 6], [130, 9, 4, 4], 2, 1, true, 9),
    conv([2, 18, 5, 6], [18, 9, 4, 4], 2, 1, true, 9),
    conv([1, 10, 6, 7], [10, 12, 3, 3], 1, 1, true, 12),
  ],
  'conv2d, grouped and dilated': [
    convProblem([2, 18, 9, 11], [14, 9, 3, 3], 1, 1, { groups: 2 }),
    convProblem([1, 21, 10, 7], [21, 1, 5, 5], 1, 2, { groups: 21 }),
    convProblem([2, 6, 11, 9], [12, 2, 4, 4], 2, 1, { groups: 3 }),
    convProblem([2, 10, 13, 10], [9, 10, 3, 3], 1, 2, { dilation: 2 }),
    convProblem([1, 10, 13, 10], [6, 5, 2, 2], 1, 1, { dilation: 3, groups: 2, bias: false }),
    convProblem([1, 4, 15, 12], [6, 2, 3, 3], 2, 2, { dilation: 2, groups: 2 }),
  ],
  'conv_transpose2d, grouped and dilated': [
    transposedProblemOf([1, 16, 7, 6], [16, 1, 3, 3], 2, 1, { groups: 16, outputPadding: 1 }),
    transposedProblemOf([1, 10, 6, 7], [10, 9, 3, 3], 1, 1, { dilation: 2 }),
  ],
};

function conv(x: number[], w: number[], stride: number, padding: number, bias = true, outC = w[0]): Problem<unknown> {
  const args = { stride: [stride, stride], padding: [padding, padding], outputPadding: [0, 0] };
  return { shapes: bias ? [x, w, [outC as number]] : [x, w], args };
}

/** The keys of the convolutions of a row with its gradients, and every choice for some of them. */
async function choicesFor(device: Device, row: OpRow, { shapes, args }: Problem<unknown>) {
  const paper = await dryRunDevice(device);
  await record(paper, () => {
    const leaves = shapes.map((shape) => Tensor.zeros(paper, shape));
    for (const leaf of leaves) leaf.requiresGrad = true;
    const y = row.run(leaves, args);
    backward(y, Tensor.zeros(paper, y.shape));
  });
  const candidates = [...convTuning(paper).taken.keys()].map((key) => {
    const { direction, g } = parseConvKey(key) ?? {};
    if (!direction || !g) throw new Error(`"${key}" is no key of a convolution`);
    return { key, choices: convCandidates(device, direction, g).map((choice) => choice.name) };
  });
  return { candidates, all: [...new Set(candidates.flatMap((c) => c.choices))] };
}

describe('every candidate of the tuner gives the right result', () => {
  // Lines are convolved as pictures one pixel wide, by the same kernels.
  const cases = convolutions.flatMap((row) => (ODD[row.name] ?? []).map((p) => [row, p] as const));
  test.each(cases.map(([row, p]) => [row.name, JSON.stringify(p), row, p] as const))(
    '%s %s',
    async (_, __, row, problem) => {
      const { candidates, all } = await choicesFor(shared, row, problem);
      expect(candidates.length, 'directions').toBe(3);
      for (const choice of all) {
        const taken = candidates.filter((c) => c.choices.includes(choice)).map((c) => [c.key, choice] as const);
        convTuning(shared).table = new Map(taken);
        try {
          await check(shared, row, problem, 5, true);
        } catch (error) {
          throw new Error(`${choice}: ${(error as Error).message}`, { cause: error });
        }
        for (const [key] of taken) expect(convTuning(shared).taken.get(key)?.choice, key).toBe(choice);
      }
    },
    600_000,
  );

  let shared: Device;
  beforeAll(async () => {
    shared = await openTestDevice({ guards: true });
  });
  afterAll(() => shared.destroy());
});

describe('choices for GPUs only give the right result', () => {
  const SIZES = { batch: 2, inC: 35, inH: 12, inW: 14, outC: 131, dilationH: 1, dilationW: 1, groups: 1 };
  const plain = { ...SIZES, outH: 13, outW: 15, kernelH: 2, kernelW: 2, strideH: 1, strideW: 1, padH: 1, padW: 1 };
  const strided = { ...SIZES, outH: 6, outW: 7, kernelH: 4, kernelW: 4, strideH: 2, strideW: 2, padH: 1, padW: 1 };

  async function compare(device: Device, direction: ConvDirection, g: ConvGeometry, choices: readonly string[]) {
    const trials = new ConvBenchmark(device, direction, g);
    try {
      await compareWithDirect(trials, choices);
    } finally {
      trials.destroy();
      device.destroy();
    }
  }

  test.each(['forward', 'inputGradient', 'weightGradient'] as const)(
    '%s by every tile, and with a stride folded away',
    async (direction) => {
      // Rows and columns that are not multiples of a tile, and more of them than one tile has.
      const tiles = TILES.map((tile) => `gemm ${gemm.format(tile)}`);
      await compare(await openTestDevice({ guards: true }), direction, plain, tiles);
      await compare(await openTestDevice({ guards: true }), direction, strided, ['fold_gemm 64x64']);
    },
    240_000,
  );

  const filtered = {
    ...SIZES,
    outC: 37,
    outH: 12,
    outW: 14,
    kernelH: 3,
    kernelW: 3,
    strideH: 1,
    strideW: 1,
    padH: 1,
    padW: 1,
  };
  test.each(['forward', 'inputGradient', 'weightGradient'] as const)(
    "%s between Winograd's transforms",
    async (direction) => {
      const forms = ['winograd_gemm 4x32x64', 'winograd_gemm 2x64x64'];
      await compare(await openTestDevice({ guards: true }), direction, filtered, forms);
    },
    240_000,
  );
});

describe('weights larger than one binding', () => {
  const [forward, , transposed] = convolutions;
  const args = { stride: [1, 1], padding: [1, 1], outputPadding: [0, 0] };
  // 24 × 32 × 3 × 3 floats are 27 KiB; the pictures stay below the limit.
  const problem = { shapes: [[1, 32, 6, 7], [24, 32, 3, 3], [24]], args };
  test.each(['auto', 'gemm'] as const)(
    '%s: taken in slices, forward and backward',
    async (algorithm) => {
      const device = await openTestDevice({ algorithm, maxBinding: 12 * 1024, guards: true });
      try {
        await check(device, forward as (typeof convolutions)[0], problem, 3, true);
        const turned = { shapes: [[1, 24, 6, 7], [24, 32, 3, 3], [32]], args };
        await check(device, transposed as (typeof convolutions)[0], turned, 4, true);
      } finally {
        device.destroy();
      }
    },
    600_000,
  );

  test('the direct kernel refuses them', async () => {
    const device = await openTestDevice({ algorithm: 'direct', maxBinding: 12 * 1024, guards: true });
    await expect(check(device, forward as (typeof convolutions)[0], problem, 3)).rejects.toThrow(/can bind/);
    device.destroy();
  });
});
