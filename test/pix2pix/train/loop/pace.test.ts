import { expect, it } from 'vitest';
import { Pace } from '../../../../src/pix2pix/train/loop/folder/pace.ts';

/** The messages after each step of a given number of seconds, up to step 100. */
function judged(first: number, seconds: number, steps: number, from = 0): (number | undefined)[] {
  let ms = 0;
  const pace = new Pace(() => ms);
  return Array.from({ length: steps }, (_, i) => {
    ms += 1000 * (i === 0 ? first : seconds);
    return pace.stepped(from + i + 1, 100);
  });
}

it('reports once, after five seconds of steps, without the first step', () => {
  expect(judged(60, 0.5, 30)).toEqual(Array.from({ length: 30 }, (_, i) => (i === 10 ? 0.5 * 89 : undefined)));
});

it('needs three steps, unless one takes very long', () => {
  expect(judged(60, 4, 6)).toEqual([undefined, undefined, undefined, 4 * 96, undefined, undefined]);
  expect(judged(60, 20, 3)).toEqual([undefined, 20 * 98, undefined]);
});

it('takes an earlier session into account', () => {
  expect(judged(1, 6, 4, 50).at(-1)).toBe(6 * 46);
});
