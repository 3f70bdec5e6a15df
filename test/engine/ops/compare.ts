import { expect } from 'vitest';
import type { ConvChoice } from '../../../src/engine/ops/conv/algorithm.ts';
import { parseChoice } from '../../../src/engine/ops/conv/tuning/registry.ts';
import type { ConvBenchmark } from '../../../src/pix2pix/train/autotune/conv_benchmark.ts';

/** Holds every choice, or the choice of that name, to the direct kernel: within 1e-5 of the largest value. */
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
