import { expect } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import type { ConvChoice } from '../../../src/engine/ops/conv/algorithm.ts';
import { parseChoice } from '../../../src/engine/ops/conv/tuning/registry.ts';
import { backward } from '../../../src/engine/tape/autograd.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import type { ConvBenchmark } from '../../../src/pix2pix/train/autotune/conv_benchmark.ts';

/** Compares every choice, or the choice of that name, with the direct kernel: within 1e-5 of the largest value. */
export async function compareWithDirect(
  trials: ConvBenchmark,
  choices: readonly (ConvChoice | string)[],
): Promise<void> {
  const computed = async (choice: ConvChoice): Promise<Float32Array> => {
    const trial = await trials.open(choice);
    await trial.run();
    const values = await trial.result();
    trial.destroy();
    return values;
  };
  const expected = await computed(parseChoice('direct'));
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const asked of choices) {
    const choice = typeof asked === 'string' ? parseChoice(asked) : asked;
    const off = (await computed(choice)).map((value, i) => Math.abs(value - (expected[i] as number)));
    expect(Math.max(...off), choice.name).toBeLessThan(1e-5 * largest);
  }
}

/** 1, 2, … n. */
export const count = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** The result's values, and the gradient of Σ (1, 2, 3, …) · result, whose weights distinguish the elements. */
export async function resultAndGradient(
  device: Device,
  shape: readonly number[],
  values: readonly number[],
  op: (x: Tensor) => Tensor,
): Promise<[number[], number[]]> {
  const x = Tensor.from(device, shape, values, 'x');
  x.requiresGrad = true;
  const recorded = await record(device, () => {
    const y = op(x);
    backward(y, Tensor.from(device, y.shape, count(y.size), 'dy'));
    return [y, x.grad as Tensor] as const;
  });
  recorded.run();
  const [y, dx] = recorded.outputs;
  const result: [number[], number[]] = [[...(await y.read())], [...(await dx.read())]];
  expect(await recorded.program.brokenGuards()).toEqual([]);
  recorded.destroy();
  return result;
}
