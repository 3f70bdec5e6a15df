import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../src/engine/gpu/device.ts';
import { mul } from '../../src/engine/ops/elementwise/arithmetic.ts';
import { sum } from '../../src/engine/ops/reduce/reduce.ts';
import { backward } from '../../src/engine/tape/autograd.ts';
import { deferSum, sumLater } from '../../src/engine/tape/deferred/sums.ts';
import { record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../device.ts';

let guarded: Device;
let plain: Device;

beforeAll(async () => {
  guarded = await openTestDevice({ guards: true });
  // Guard words after each tensor would separate the parts.
  plain = await openTestDevice();
});
afterAll(() => {
  closeTestDevice(guarded);
  closeTestDevice(plain);
});

const values = (n: number, seed: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(seed + 1.7 * i));

/** A temporary with these values. */
function made(device: Device, seed: number, n: number): Tensor {
  return mul(Tensor.from(device, [n], values(n, seed)), 1);
}

const sizes = [3, 130, 1, 700];

/** Sums of every kind: contiguous parts, strides, several terms, and one term that nothing else needs. */
function sums(device: Device): Tensor[] {
  return sizes.flatMap((n, k) => {
    const parts = made(device, k, 5 * n);
    const apart = Tensor.temporary(device, [n], 'apart');
    deferSum(apart, [{ values: parts.storage, step: 1, stride: n, count: 5 }]);
    const inRow = Tensor.temporary(device, [n], 'in a row');
    deferSum(inRow, [{ values: made(device, 20 + k, 5 * n).storage, step: 5, stride: 1, count: 5 }]);
    return [sumLater(apart, inRow, 'both'), sumLater(made(device, 40 + k, n), made(device, 60 + k, n), 'two')];
  });
}

const expected = sizes.flatMap((n, k) => {
  const five = (of: (s: number) => number) => [0, 1, 2, 3, 4].reduce((total, s) => Math.fround(total + of(s)), 0);
  const [parts, row, a, b] = [values(5 * n, k), values(5 * n, 20 + k), values(n, 40 + k), values(n, 60 + k)];
  const at = (x: Float32Array, i: number) => x[i] as number;
  return [
    Float32Array.from({ length: n }, (_, i) => five((s) => at(parts, s * n + i)) + five((s) => at(row, 5 * i + s))),
    Float32Array.from({ length: n }, (_, i) => at(a, i) + at(b, i)),
  ];
});

describe('deferred sums', () => {
  it('are one dispatch, and every sum is in the requested order, to the bit', async () => {
    const recorded = await record(plain, () => sums(plain));
    const { listing } = recorded.program;
    expect(listing.map(({ label }) => label).filter((label) => label === 'deferred_sums')).toHaveLength(1);
    expect(listing.at(-1)?.label).toBe('deferred_sums');
    recorded.run();
    expect(await Promise.all(recorded.outputs.map((t) => t.read()))).toEqual(expected);
    recorded.destroy();
  });

  it('have the same bits if nothing can be contiguous, and write nowhere else', async () => {
    const recorded = await record(guarded, () => sums(guarded));
    recorded.run();
    expect(await Promise.all(recorded.outputs.map((t) => t.read()))).toEqual(expected);
    expect(await recorded.program.brokenGuards()).toEqual([]);
    recorded.destroy();
  });

  it.each(['guarded', 'plain'])(
    'are there when somebody asks, also for what another sum has taken over: %s',
    async (kind) => {
      const device = kind === 'plain' ? plain : guarded;
      const recorded = await record(device, () => {
        const first = sumLater(made(device, 1, 9), made(device, 2, 9), 'first');
        const second = sumLater(first, made(device, 3, 9), 'second');
        const third = sumLater(second, first, 'third');
        return [mul(third, 1), mul(first, 1), second];
      });
      recorded.run();
      const [third, first, second] = await Promise.all(recorded.outputs.map((t) => t.read()));
      const plus = (a: Float32Array, b: Float32Array) => a.map((v, i) => v + (b[i] as number));
      const one = plus(values(9, 1), values(9, 2));
      const two = plus(one, values(9, 3));
      expect(first).toEqual(one);
      expect(second).toEqual(two);
      // Its terms are those of the others, added one by one.
      expect(third).toEqual(plus(plus(two, values(9, 1)), values(9, 2)));
      recorded.destroy();
    },
  );

  it('large sums are recorded at once', async () => {
    const n = 2 ** 19;
    const recorded = await record(plain, () => {
      const result = Tensor.temporary(plain, [n], 'large');
      deferSum(result, [{ values: made(plain, 1, 5 * n).storage, step: 1, stride: n, count: 5 }]);
      made(plain, 2, 1);
      return result;
    });
    expect(recorded.program.listing.map(({ label }) => label).at(-2)).toBe('deferred_sums');
    recorded.run();
    const parts = values(5 * n, 1);
    const want = [0, 1, 2, 3, 4].reduce((total, s) => Math.fround(total + (parts[s * n + 7] as number)), 0);
    expect((await recorded.outputs.read())[7]).toBe(want);
    recorded.destroy();
  });

  it('a gradient that two leaves share is added to one of them only', async () => {
    const w = [1, 2].map((seed) => Tensor.from(plain, [4], values(4, seed), `w${seed}`));
    for (const p of w) p.requiresGrad = true;
    const recorded = await record(plain, () => {
      const [a, b] = w as [Tensor, Tensor];
      backward(sum(mul(a, b)));
      backward(sum(b));
      return [a.grad as Tensor, b.grad as Tensor];
    });
    recorded.run();
    const [da, db] = await Promise.all(recorded.outputs.map((t) => t.read()));
    expect(da).toEqual(values(4, 2));
    expect(db).toEqual(values(4, 1).map((v) => v + 1));
    recorded.destroy();
  });
});
