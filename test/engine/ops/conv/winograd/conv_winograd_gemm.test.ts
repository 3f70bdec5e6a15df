/** @module-tag long */
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { closeAdapter, openAdapter } from '../../../../../src/drivers/index.ts';
import { swiftShaderUnsupported } from '../../../../../src/drivers/probe/swiftshader.ts';
import { Device } from '../../../../../src/engine/gpu/device.ts';
import { Adam } from '../../../../../src/engine/nn/optim/adam.ts';
import { conv2d } from '../../../../../src/engine/ops/conv/conv2d.ts';
import { convTuning } from '../../../../../src/engine/ops/conv/tuning/tuning.ts';
import { backward } from '../../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../../src/engine/tape/tensor.ts';
import { check } from '../../check.ts';
import type { OpRow } from '../../table_row.ts';
import { convolutions } from '../table_conv.ts';
import { anyProblem, largestError, problem } from './problem.ts';

/** Winograd's algorithms in the form for GPUs, on SwiftShader, which compiles unrolled loops faster than lavapipe. */

/** Per form, the figures in winograd.ts with some margin: in units of the largest result, for up to 256 channels. */
const LARGEST_ERROR = { 'winograd_gemm 4x32x32': 1.2e-5, 'winograd_gemm 2x16x64': 3e-6 };
const NAMES = Object.keys(LARGEST_ERROR) as (keyof typeof LARGEST_ERROR)[];
const RUNS = Number(process.env.OP_RUNS ?? 3);

const [conv, activated, transposed] = convolutions as [OpRow, OpRow, OpRow];
const unsupported = swiftShaderUnsupported();

describe('winograd_gemm', () => {
  beforeEach(({ skip }) => skip(unsupported !== undefined, unsupported));
  afterAll(closeAdapter);

  /** Runs `body` on a device that poses as a GPU, with this choice requested. */
  async function using(name: string, body: (device: Device) => Promise<void>, guards = true): Promise<void> {
    const { adapter, description } = await openAdapter('swiftshader');
    const device = await Device.open(adapter, description, { guards });
    Object.assign(device.capabilities, { cpu: false });
    convTuning(device).algorithm = name;
    try {
      await body(device);
      const taken = [...convTuning(device).taken.values()].filter(({ choice }) => choice === name);
      expect(new Set(taken.map(({ direction }) => direction)), name).toContain('forward');
    } finally {
      device.destroy();
    }
  }

  test.each(NAMES)(
    '%s: odd shapes, every padding, forward and gradients',
    (name) =>
      using(name, async (device) => {
        await fc.assert(
          fc.asyncProperty(anyProblem(8), fc.nat(), (p, seed) => check(device, conv, p, seed)),
          { numRuns: RUNS, seed: 3 },
        );
        await check(device, conv, problem([2, 33, 13, 18], [35, 33, 3, 3], 35, [1, 1]), 1, true);
        await check(device, conv, problem([1, 40, 2, 3], [7, 40, 3, 3], undefined, [2, 2]), 2, true);
        await check(device, activated, problem([1, 20, 7, 10], [18, 20, 3, 3], 18, [1, 1]), 3, true);
        await check(device, transposed, problem([1, 10, 6, 7], [10, 12, 3, 3], 12, [1, 0]), 4, true);
      }),
    480_000,
  );

  test.each(NAMES)(
    '%s: rounding stays within what winograd.ts says',
    (name) =>
      using(
        name,
        async (device) => {
          for (const inC of [32, 256]) expect(await largestError(device, inC)).toBeLessThan(LARGEST_ERROR[name]);
        },
        false,
      ),
    480_000,
  );

  test(
    'a weight is transformed once for each direction, and anew once it was written',
    () =>
      using(
        'winograd_gemm 4x32x32',
        async (device) => {
          const w = Tensor.zeros(device, [8, 8, 3, 3], 'w');
          w.requiresGrad = true;
          const x = Tensor.zeros(device, [1, 8, 6, 6], 'x');
          const adam = new Adam(device, [w], { lr: 1 });
          const through = (input: Tensor) => conv2d(input, w, undefined, { padding: 1 });
          const { program } = await record(device, () => {
            const y = through(through(through(x)));
            backward(y, Tensor.zeros(device, y.shape, 'dy'));
            adam.step();
            return through(x);
          });
          const labels = program.listing.map(({ kernel }) => kernel.label);
          const at = labels.flatMap((label, i) => (label === 'winograd_gemm.filters_in 4' ? [i] : []));
          expect(at).toHaveLength(3);
          const step = labels.lastIndexOf('adam');
          expect(step).toBeGreaterThan(at[1] as number);
          expect(step).toBeLessThan(at[2] as number);
        },
        false,
      ),
    240_000,
  );
});
