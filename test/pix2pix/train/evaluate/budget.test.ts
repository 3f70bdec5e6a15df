import fc from 'fast-check';
import { expect, it } from 'vitest';
import { picturesToMeasure } from '../../../../src/pix2pix/train/evaluate/budget.ts';

/** The number of pictures measured at each grid of a run that ends after `steps` steps. */
function measured({
  count,
  batch = 1,
  every,
  steps,
  known = true,
}: Record<'count' | 'every' | 'steps', number> & {
  batch?: number;
  known?: boolean;
}): Map<number, number> {
  const all = new Map<number, number>();
  for (let step = 1; step <= steps; step++) {
    const last = step === steps;
    if (!last && step % every !== 0) continue;
    const total = known ? steps * batch : Number.POSITIVE_INFINITY;
    all.set(step, picturesToMeasure(count, { pictures: step * batch, every: every * batch, total, last }));
  }
  return all;
}
const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0);

it('measures the first run on all held-out pictures, three times', () => {
  const scores = [...measured({ count: 217, batch: 2, every: 100, steps: 1122 })].filter(([, count]) => count > 0);
  expect(scores).toEqual([
    [400, 217],
    [800, 217],
    [1122, 217],
  ]);
});

it('measures one picture after two steps, not 217', () => {
  expect([...measured({ count: 217, every: 400, steps: 2 })]).toEqual([[2, 1]]);
});

it('measures at every grid of a long run', () => {
  expect(new Set(measured({ count: 50, batch: 4, every: 400, steps: 4000 }).values())).toEqual(new Set([50]));
});

it('never spends more than a third of the training pictures, a tenth of the time; all or nothing before the end', () => {
  const number = (max: number) => fc.integer({ min: 1, max });
  const run = fc.record({
    count: number(300),
    batch: number(16),
    every: number(50),
    steps: number(200),
    known: fc.boolean(),
  });
  fc.assert(
    fc.property(run, (given) => {
      const counts = [...measured(given).values()];
      expect(sum(counts)).toBeLessThanOrEqual(Math.max(1, (given.steps * given.batch) / 3));
      for (const count of counts.slice(0, -1)) expect([0, given.count]).toContain(count);
      expect(counts.at(-1)).toBeGreaterThan(0);
    }),
  );
});

it('keeps half for the end if only time ends the run', () => {
  const counts = [...measured({ count: 100, every: 10, steps: 1199, known: false }).values()];
  expect(counts.slice(0, -1).filter((count) => count > 0)).toEqual([100]);
  expect(counts.at(-1)).toBe(100);
});
