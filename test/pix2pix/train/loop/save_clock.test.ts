import { expect, it } from 'vitest';
import { SaveClock } from '../../../../src/pix2pix/train/loop/folder/save_clock.ts';

/** Trains for a day. Returns the most seconds of work that a crash at the worst moment would lose. */
async function mostLost(seconds: (step: number) => number, saving: number): Promise<{ lost: number; saves: number }> {
  let now = 0;
  const clock = new SaveClock(() => 1000 * now);
  let [kept, lost, saves] = [0, 0, 0];
  for (let step = 1; now < 86_400; step++) {
    now += seconds(step);
    lost = Math.max(lost, now - kept);
    if (!clock.isDue()) continue;
    const state = now;
    await clock.during(async () => {
      now += saving;
    });
    lost = Math.max(lost, now - kept);
    kept = state;
    saves++;
  }
  return { lost, saves };
}

it.each([
  ['short steps', () => 0.05, 1],
  ['long steps', () => 40, 5],
  ['a slow disk', () => 2, 60],
  ['sample grids that take a minute now and then', (step: number) => (step % 100 === 0 ? 60 : 1), 10],
])('never loses more than five minutes: %s', async (_, seconds, saving) => {
  const { lost, saves } = await mostLost(seconds, saving);
  expect(lost).toBeLessThanOrEqual(300);
  expect(saves).toBeLessThan(86_400 / 120);
});

it('loses one step if a single one takes longer', async () => {
  // The step, and two saves: of the state before it, and of the state after it.
  expect((await mostLost(() => 400, 10)).lost).toBe(420);
});
