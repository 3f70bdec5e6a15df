import { expect, test } from 'vitest';
import { WaitEstimate } from '../../../src/engine/gpu/wait_estimate.ts';

/** Waits for work that takes so long, one after the other; gives how long each wait was. */
function waits(patience: WaitEstimate, work: readonly number[]): number[] {
  return work.map((ms) => {
    const slept = patience.sleepMs;
    const waited = Math.max(0, ms - slept);
    patience.record(slept, waited);
    return slept + waited;
  });
}

const times = (n: number, ms: number) => new Array<number>(n).fill(ms);

test('steady work is slept through for the most part, and never overslept', () => {
  const patience = new WaitEstimate();
  expect(waits(patience, times(20, 60))).toEqual(times(20, 60));
  expect(patience.sleepMs).toBeCloseTo(45);
});

test('one wait of twenty minutes, as when a laptop was closed, costs the next ones next to nothing', () => {
  const patience = new WaitEstimate();
  waits(patience, times(20, 60));
  waits(patience, [1_200_000]);
  const after = waits(patience, times(10, 60));
  expect(after[0]).toBeLessThan(100);
  expect(after.slice(1)).toEqual(times(9, 60));
});

test('where work gets shorter, at most a few waits are too long', () => {
  const patience = new WaitEstimate();
  waits(patience, times(20, 1000));
  const after = waits(patience, times(12, 10));
  expect(after.filter((ms) => ms > 10).length).toBeLessThanOrEqual(7);
  expect(after.reduce((a, b) => a + b, 0)).toBeLessThan(1700);
});
