import { expect, it } from 'vitest';
import { Pace } from '../../../../src/pix2pix/train/loop/folder/pace.ts';

/** What is said after each step of so many seconds, to step 100. */
function judged(first: number, seconds: number, steps: number, from = 0): (number | undefined)[] {
  let ms = 0;
  const pace = new Pace(() => ms);
  return Array.from({ length: steps }, (_, i) => {
    ms += 1000 * (i === 0 ? first : seconds);
    return pace.stepped(from + i + 1, 100);
  });
}

it('judges once, by five seconds of steps, and leaves the first step out', () => {
  expect(judged(60, 0.5, 30)).toEqual(Array.from({ length: 30 }, (_, i) => (i === 10 ? 0.5 * 89 : undefined)));
});

it('wants three steps, unless one takes very long', () => {
  expect(judged(60, 4, 6)).toEqual([undefined, undefined, undefined, 4 * 96, undefined, undefined]);
  expect(judged(60, 20, 3)).toEqual([undefined, 20 * 98, undefined]);
});

it('knows what an earlier session has done', () => {
  expect(judged(1, 6, 4, 50).at(-1)).toBe(6 * 46);
});
