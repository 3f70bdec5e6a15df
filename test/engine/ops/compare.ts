import { expect } from 'vitest';
import { parseChoice } from '../../../src/engine/ops/conv/tuning/registry.ts';
import type { ConvBenchmark } from '../../../src/pix2pix/train/autotune/conv_benchmark.ts';

/** Every choice gives the same as the direct kernel, to 1e-5 of the largest value. */
export async function compareWithDirect(trials: ConvBenchmark, choices: readonly string[]): Promise<void> {
  const computed = async (choice: string): Promise<Float32Array> => {
    const trial = await trials.open(parseChoice(choice));
    await trial.run();
    const values = await trial.result();
    trial.destroy();
    return values;
  };
  const expected = await computed('direct');
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const choice of choices) {
    const off = (await computed(choice)).map((value, i) => Math.abs(value - (expected[i] as number)));
    expect(Math.max(...off), choice).toBeLessThan(1e-5 * largest);
  }
}
