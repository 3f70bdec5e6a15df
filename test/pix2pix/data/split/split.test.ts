import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapBounded } from '../../../../src/pix2pix/data/split/parallel.ts';
import { holdOut } from '../../../../src/pix2pix/data/split/split.ts';

const keys = fc.array(fc.stringMatching(/^[a-d]{1,4}$/), { minLength: 2, maxLength: 60 });

describe('holdOut', () => {
  it('divides all items into two sides, neither empty, each key on one of them', () => {
    fc.assert(
      fc.property(keys, (list) => {
        const split = holdOut(list);
        expect(split === undefined).toBe(new Set(list).size === 1);
        if (!split) return;
        const { train, test } = split;
        expect([...train, ...test].sort((a, b) => a - b)).toEqual(list.map((_, i) => i));
        expect(Math.min(train.length, test.length)).toBeGreaterThan(0);
        const held = new Set(test.map((i) => list[i]));
        for (const i of train) expect(held.has(list[i])).toBe(false);
      }),
    );
  });

  it('is about a tenth of many, and no more than requested', () => {
    const list = Array.from({ length: 5000 }, (_, i) => `${i}.jpg`);
    expect(holdOut(list)!.test.length).toBeGreaterThan(400);
    expect(holdOut(list)!.test.length).toBeLessThan(600);
    expect(holdOut(list, 200)!.test.length).toBe(200);
    expect(holdOut(['a', 'b'])!.test.length).toBe(1);
  });

  it('items stay on their side when others are added, whatever the order', () => {
    const few = Array.from({ length: 300 }, (_, i) => `photo ${i}`);
    const many = [...Array.from({ length: 300 }, (_, i) => `another ${i}`), ...few].reverse();
    const held = (list: string[]) => new Set(holdOut(list)!.test.map((i) => list[i]!));
    const before = held(few);
    const after = held(many);
    for (const name of few) expect(after.has(name)).toBe(before.has(name));
  });
});

describe('mapBounded', () => {
  it('keeps order, runs no more than the limit at once, and stops at the first error', async () => {
    let running = 0;
    let most = 0;
    let started = 0;
    const task = async (item: number) => {
      started++;
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, (item * 5) % 7));
      running--;
      if (item === 13) throw new Error('thirteen');
      return item * 2;
    };
    const items = Array.from({ length: 12 }, (_, i) => i);
    expect(await mapBounded(items, 3, task)).toEqual(items.map((i) => 2 * i));
    expect(most).toBe(3);
    started = 0;
    const more = Array.from({ length: 1000 }, (_, i) => i);
    await expect(mapBounded(more, 3, task)).rejects.toThrow('thirteen');
    expect(started).toBeLessThan(25);
    expect(await mapBounded([], 3, task)).toEqual([]);
  });
});
