import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Lifetime, planMemory } from '../../../src/engine/gpu/memory/plan.ts';

const life = fc
  .tuple(fc.integer({ min: 4, max: 4096 }), fc.nat(60), fc.nat(20))
  .map(([bytes, first, length]): Lifetime => ({ bytes, first, last: first + length }));

const meet = (a: Lifetime, b: Lifetime) => a.first <= b.last && b.first <= a.last;

it('tensors that are alive together never share a buffer, and each fits its own', () => {
  fc.assert(
    fc.property(fc.array(life, { maxLength: 60 }), (lives) => {
      const { slot, slotBytes, total, lowerBound } = planMemory(lives);
      lives.forEach((a, i) => {
        expect(slotBytes[slot[i] as number]).toBeGreaterThanOrEqual(a.bytes);
        lives.forEach((b, j) => {
          if (i < j && meet(a, b)) expect(slot[i]).not.toBe(slot[j]);
        });
      });
      const alive = lives.map((a) => lives.filter((b) => b.first <= a.first && a.first <= b.last));
      const most = Math.max(0, ...alive.map((set) => set.reduce((sum, b) => sum + b.bytes, 0)));
      expect(lowerBound).toBe(most);
      expect(total).toBeGreaterThanOrEqual(lowerBound);
    }),
    { numRuns: 300, seed: 1 },
  );
});

it('a chain in which each tensor dies when the next is done needs two buffers', () => {
  const chain = Array.from({ length: 10 }, (_, i): Lifetime => ({ bytes: 64, first: i, last: i + 1 }));
  expect(planMemory(chain)).toMatchObject({ total: 128, lowerBound: 128 });
});
