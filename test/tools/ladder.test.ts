/** @module-tag long */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { climb } from '../../bench/ladder/ladder.ts';
import { ladder } from '../../bench/ladder/rungs.ts';
import { openBench } from '../../bench/open.ts';
import type { Bench } from '../../bench/section.ts';
import { closeAdapter } from '../../src/drivers/index.ts';
import type { ConvDirection } from '../../src/engine/ops/conv/algorithm.ts';
import { patchesFit } from '../../src/engine/ops/conv/algorithms/subgroup.ts';
import { convCandidates } from '../../src/engine/ops/conv/tuning/registry.ts';
import { ConvBenchmark } from '../../src/pix2pix/train/autotune/conv_benchmark.ts';
import { openTestDevice } from '../device.ts';
import { compareWithDirect } from '../engine/ops/compare.ts';

let bench: Bench & { close(): void };

beforeAll(async () => {
  const options = { adapter: 'auto', quick: false, rows: '@16', peers: false, progress: () => {} };
  bench = await openBench({ ...options, rounds: { rounds: 1, least: 0 } });
});
afterAll(() => {
  bench.close();
  closeAdapter();
});

/** Sides, channels and paddings that are not multiples of any patch or group of channels. */
const SIZES = { batch: 2, inC: 19, inH: 9, inW: 11, outC: 21 };
const GEOMETRY = {
  ...{ ...SIZES, outH: 9, outW: 11, kernelH: 3, kernelW: 3, strideH: 1, strideW: 1, padH: 1, padW: 1 },
  ...{ dilationH: 1, dilationW: 1, groups: 1 },
};

test.each<ConvDirection>(['forward', 'inputGradient', 'weightGradient'])(
  '%s: every step that only the ladder has gives what the definition gives',
  async (direction) => {
    const device = await openTestDevice({ guards: true });
    const problem = new ConvBenchmark(device, direction, GEOMETRY);
    try {
      const rungs = ladder(device, direction, GEOMETRY);
      expect(rungs.filter(({ taken }) => taken).length).toBe(1);
      if (patchesFit(device, GEOMETRY) && direction === 'forward') expect(rungs.length).toBeGreaterThan(9);
      // test/engine/ops/conv/conv_variants.test.ts tests the tuner's candidates.
      const held = new Set(convCandidates(device, direction, GEOMETRY).map(({ name }) => name));
      const others = rungs.map(({ choice }) => choice).filter(({ name }) => !held.has(name));
      await compareWithDirect(problem, others);
    } finally {
      problem.destroy();
      device.destroy();
    }
  },
  600_000,
);

test('every step is timed', async () => {
  // With a 1 × 1 kernel, which has few steps and compiles quickly.
  const shape = { batch: 1, inC: 5, outC: 6, side: 8, kernel: 1, padding: 0 };
  const rows = await climb(bench, shape, 'forward');
  for (const { choice, outcome, difference, gflops } of rows) {
    expect(outcome, choice).toHaveProperty('median');
    expect(difference, choice).toBeLessThan(1e-5);
    expect(gflops, choice).toBeGreaterThan(0);
  }
}, 600_000);
