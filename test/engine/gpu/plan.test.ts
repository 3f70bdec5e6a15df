import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Lifetime, planMemory } from '../../../src/engine/gpu/memory/plan.ts';

const life = fc
  .tuple(fc.integer({ min: 4, max: 4096 }), fc.nat(60), fc.nat(20))
  .map(([bytes, first, length]): Lifetime => ({ bytes, first, last: first + length }));

const meet = (a: Lifetime, b: Lifetime) => a.first <= b.last && b.first <= a.last;

const pairs = fc.array(fc.tuple(fc.nat(59), fc.nat(59)), { maxLength: 40 });

it('tensors that are alive together never share bytes, pairs in `apart` never share a buffer, and each tensor fits its buffer', () => {
  fc.assert(
    fc.property(fc.array(life, { maxLength: 60 }), pairs, fc.constantFrom(4, 256), (lives, drawn, unit) => {
      const apart = drawn.filter(([a, b]) => a !== b && Math.max(a, b) < lives.length);
      const largest = 5000;
      const { slot, offset, slotBytes, total, lowerBound } = planMemory(lives, { apart, unit, largest });
      lives.forEach((a, i) => {
        const start = offset[i] as number;
        expect(start % unit).toBe(0);
        expect(slotBytes[slot[i] as number]).toBeGreaterThanOrEqual(start + a.bytes);
        lives.forEach((b, j) => {
          if (i >= j || !meet(a, b) || slot[i] !== slot[j]) return;
          const other = offset[j] as number;
          expect(start + a.bytes <= other || other + b.bytes <= start, `${i} and ${j}`).toBe(true);
        });
      });
      for (const [a, b] of apart) expect(slot[a]).not.toBe(slot[b]);
      for (const bytes of slotBytes) expect(bytes).toBeLessThanOrEqual(largest);
      const alive = lives.map((a) => lives.filter((b) => b.first <= a.first && a.first <= b.last));
      const most = Math.max(0, ...alive.map((set) => set.reduce((sum, b) => sum + b.bytes, 0)));
      expect(lowerBound).toBe(most);
      expect(total).toBeGreaterThanOrEqual(lowerBound);
    }),
    { numRuns: 300, seed: 1 },
  );
});

it('small tensors share the range of an earlier large one', () => {
  const lives = [
    { bytes: 1024, first: 0, last: 1 },
    { bytes: 512, first: 2, last: 3 },
    { bytes: 512, first: 2, last: 3 },
  ];
  expect(planMemory(lives)).toMatchObject({ total: 1024, lowerBound: 1024 });
  // Unless one is computed from the other.
  expect(planMemory(lives, { apart: [[1, 2]] })).toMatchObject({ total: 1536, lowerBound: 1024 });
});

it('a chain in which each tensor dies when the next is computed needs two buffers', () => {
  const chain = Array.from({ length: 10 }, (_, i): Lifetime => ({ bytes: 64, first: i, last: i + 1 }));
  expect(planMemory(chain)).toMatchObject({ total: 128, lowerBound: 128 });
});
