/** @module-tag long */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { dryRunDevice } from '../../../src/engine/gpu/dry_run.ts';
import { convCandidates, parseChoice } from '../../../src/engine/ops/conv/tuning/registry.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';
import { check } from './check.ts';
import { uniform } from './nd.ts';
import { rows } from './table.ts';
import type { Problem } from './table_row.ts';

/** Every operation with activations stored as halves. A few problems each, since the shaders are the same. */
const RUNS = Number(process.env.OP_RUNS ?? 4);
const SEED = Number(process.env.OP_SEED ?? 1);
/** Of the large problems only some: all would take too long. */
const LARGE = 2;
const LARGEST = 40_000;

let device: Device;
let reason: string | undefined;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
  if (!device.capabilities.f16) reason = `no shader-f16 on ${device.description}`;
});
afterAll(() => closeTestDevice(device));

const size = ({ shapes: [first = []] }: Problem<unknown>) => first.reduce((a, b) => a * b, 1);

describe.each(rows.map((row) => [row.name, row] as const))('%s in halves', (_, row) => {
  test(`${RUNS} random shapes, and larger ones: forward, gradients, guards`, async ({ skip }) => {
    skip(reason !== undefined, reason);
    const property = fc.asyncProperty(row.problem, fc.nat(), (problem, seed) => {
      return check(device, row, problem, seed, false, 'f16');
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
    if (row.distinct) return;
    for (const problem of (row.large ?? []).filter((p) => size(p) <= LARGEST).slice(0, LARGE)) {
      await check(device, row, problem, SEED, true, 'f16');
    }
  }, 180_000);
});

/** Tests above cover the choices of `auto`; these cover other drivers' choices, `gemm` on every GPU. */
test.for(['gemm', 'direct'])('convolutions by %s, in halves', async (algorithm, { skip }) => {
  skip(reason !== undefined, reason);
  const other = await openTestDevice({ guards: true, algorithm });
  try {
    for (const row of rows.filter(({ name }) => name === 'conv2d')) {
      const args = { stride: [1, 1], padding: [1, 1], outputPadding: [0, 0] };
      const problem = { shapes: [[1, 20, 12, 11], [20, 20, 3, 3], [20]], args };
      await check(other, row, problem, SEED, false, 'f16');
    }
  } finally {
    closeTestDevice(other);
  }
});

describe.each([
  ['3 × 3', { kernelH: 3, kernelW: 3, strideH: 1, strideW: 1, inH: 12, inW: 12 }],
  ['4 × 4, stride 2', { kernelH: 4, kernelW: 4, strideH: 2, strideW: 2, inH: 24, inW: 24 }],
])('a convolution of %s', (_, sides) => {
  const sizes = { batch: 1, inC: 20, outC: 24, outH: 12, outW: 12, padH: 1, padW: 1 };
  const g = { ...sides, ...sizes, dilationH: 1, dilationW: 1, groups: 1 };

  /** Records a choice in each direction that it supports, and the transposed forward with a bias. */
  const recorded = (on: Device, choice: string) => {
    const body = () => {
      const leaf = (shape: number[], dtype: 'f16' | 'f32' = 'f32') => Tensor.zeros(on, shape, 'leaf', dtype);
      const x = leaf([g.batch, g.inC, g.inH, g.inW], 'f16');
      const y = leaf([g.batch, g.outC, g.outH, g.outW], 'f16');
      const w = leaf([g.outC, g.inC, g.kernelH, g.kernelW]);
      const has = (direction: 'forward' | 'inputGradient' | 'weightGradient') =>
        convCandidates(on, direction, g).some(({ name }) => name === choice);
      const { kernels } = parseChoice(choice);
      if (has('forward')) kernels.forward(g, x, w, leaf([g.outC]), y, 0.2);
      if (has('inputGradient')) kernels.inputGradient(g, y, w, undefined, x);
      if (has('inputGradient')) kernels.inputGradient(g, y, w, leaf([g.inC]), x);
      if (has('weightGradient')) kernels.weightGradient(g, x, y, w);
    };
    return record(on, body, { precision: 'f16' });
  };

  test.for([true, false])(
    'every kernel that the tuner may choose is valid WGSL with halves (CPU: %s)',
    async (cpu, { skip }) => {
      skip(reason !== undefined, reason);
      const paper = await dryRunDevice(device);
      Object.assign(paper.capabilities, { cpu });
      const directions = ['forward', 'inputGradient', 'weightGradient'] as const;
      const choices = new Set(
        directions.flatMap((direction) => convCandidates(paper, direction, g).map(({ name }) => name)),
      );
      expect(choices.size).toBeGreaterThan(1);
      for (const choice of choices) {
        const { program } = await recorded(paper, choice);
        expect(program.kernels.some(({ code }) => code.includes('array<f16>'))).toBe(true);
        for (const { code, label } of program.kernels) {
          const { messages } = await device.gpu.createShaderModule({ code }).getCompilationInfo();
          const errors = messages.filter((m) => m.type === 'error').map((m) => m.message);
          expect(errors, `${choice}: ${label}`).toEqual([]);
        }
      }
      await device.check();
    },
  );
});

/** Choices for GPUs only. */
test.for(['winograd_gemm 4x32x32', 'winograd_gemm 2x32x32'])(
  'a convolution by %s, in halves',
  { timeout: 180_000 },
  async (choice, { skip }) => {
    skip(reason !== undefined, reason);
    const sides = { batch: 1, inC: 12, inH: 9, inW: 10, outC: 9, outH: 9, outW: 10, kernelH: 3, kernelW: 3 };
    const g = { ...sides, strideH: 1, strideW: 1, padH: 1, padW: 1, dilationH: 1, dilationW: 1, groups: 1 };
    const random = uniform(SEED);
    const leaf = (shape: number[], dtype: 'f16' | 'f32') => {
      const tensor = Tensor.zeros(device, shape, 'leaf', dtype);
      tensor.write(Float32Array.from({ length: tensor.size }, () => 2 * random() - 1));
      return tensor;
    };
    const [x, dy] = [leaf([1, 12, 9, 10], 'f16'), leaf([1, 9, 9, 10], 'f16')];
    const [w, bias] = [leaf([9, 12, 3, 3], 'f32'), leaf([9], 'f32')];
    const computed = async (name: string) => {
      const { kernels } = parseChoice(name);
      const body = () => {
        const [y, dx] = [dy.like('y'), x.like('dx')];
        const dw = w.like('dw');
        kernels.forward(g, x, w, bias, y, 0.2);
        kernels.inputGradient(g, dy, w, undefined, dx);
        kernels.weightGradient(g, x, dy, dw);
        return [y, dx, dw];
      };
      const recorded = await record(device, body, { precision: 'f16' });
      recorded.run();
      const values = await Promise.all(recorded.outputs.map((t) => t.read()));
      recorded.destroy();
      return values;
    };
    const [want, got] = [await computed('direct'), await computed(choice)];
    want.forEach((values, i) => {
      const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      // Both may round to different halves. Values that are not halves are as exact as ever.
      const stored = i < 2 ? 2 ** -10 : 0;
      values.forEach((value, j) => {
        const off = Math.abs(value - (got[i]?.[j] as number));
        expect(off, `result ${i}, element ${j}`).toBeLessThanOrEqual(stored * Math.abs(value) + 1e-5 * largest);
      });
    });
  },
);
