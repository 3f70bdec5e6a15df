import { describe, expect, it } from 'vitest';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { BatchLoader, stepsPerEpoch } from '../../../../src/pix2pix/data/sets/batches.ts';
import type { Dataset } from '../../../../src/pix2pix/data/sets/dataset.ts';

/** Pairs of one pixel: the index, and a number from the augmenting stream. */
function counted(length: number, { fail = -1, log = [] as number[] } = {}): Dataset {
  return {
    length,
    width: 1,
    height: 1,
    name: String,
    pair: async (index, augment) => {
      log.push(index);
      await new Promise((resolve) => setTimeout(resolve, (index * 7) % 3));
      if (index === fail) throw new PixtapeError(`${index}.png is bad`);
      const draw = augment ? augment.uniform() : 2;
      return {
        name: String(index),
        real: new Float32Array([index, draw, 0]),
        condition: new Float32Array([index, 0, 1]),
      };
    },
  };
}

const loader = (length: number, batchSize: number, seed = 1) => new BatchLoader(counted(length), { batchSize, seed });

/** The indices in a batch. */
const members = (real: Float32Array) => Array.from({ length: real.length / 3 }, (_, i) => real[3 * i]!);

describe('stepsPerEpoch', () => {
  it.each([
    [400, 4, 100],
    [10, 4, 2],
    [4, 4, 1],
    [3, 4, 1],
    [1, 8, 1],
  ])('%i pairs in batches of %i: %i', (pairs, batch, steps) => expect(stepsPerEpoch(pairs, batch)).toBe(steps));
});

describe('BatchLoader', () => {
  it('takes pairs in order with --serial_batches, and continues where the last epoch ended', async () => {
    const batches = new BatchLoader(counted(7), { batchSize: 3, seed: 1, serial: true });
    const seen: number[] = [];
    for (let step = 0; step < 7; step++) seen.push(...members((await batches.batch(step)).real));
    expect(seen).toEqual(Array.from({ length: 21 }, (_, i) => i % 7));
    // A resumed run has the same order.
    const other = new BatchLoader(counted(7), { batchSize: 3, seed: 1, serial: true });
    expect(members((await other.batch(5)).real)).toEqual(seen.slice(15, 18));
  });

  it('every pair comes once an epoch but for the remainder, in another order each epoch', async () => {
    const batches = loader(10, 3);
    const orders: string[] = [];
    for (let epoch = 0; epoch < 6; epoch++) {
      const seen: number[] = [];
      for (let step = 3 * epoch; step < 3 * epoch + 3; step++) {
        const batch = await batches.batch(step);
        expect([batch.epoch, batches.epochOf(step), batch.real.length]).toEqual([epoch, epoch, 9]);
        expect(members(batch.condition)).toEqual(members(batch.real));
        seen.push(...members(batch.real));
      }
      expect(new Set(seen).size).toBe(9);
      orders.push(seen.join());
    }
    expect(new Set(orders).size).toBe(6);
    const missed = orders.map((order) => [...Array(10).keys()].find((i) => !order.split(',').includes(String(i))));
    expect(new Set(missed).size).toBeGreaterThan(1);
  });

  it('a data set smaller than a batch is repeated', async () => {
    const { real, epoch } = await loader(3, 8).batch(5);
    expect(epoch).toBe(5);
    const counts = [0, 1, 2].map((i) => members(real).filter((m) => m === i).length);
    expect(counts.sort()).toEqual([2, 3, 3]);
    // The same pair twice in a batch is augmented twice.
    expect(new Set(real.filter((_, i) => i % 3 === 1)).size).toBe(8);
  });

  it('a batch is a function of seed and step: a resumed run, or one that jumps, draws the same', async () => {
    const whole = loader(11, 4);
    const straight = [];
    for (let step = 0; step < 12; step++) straight.push(await whole.batch(step));
    const resumed = loader(11, 4);
    for (let step = 7; step < 12; step++) expect(await resumed.batch(step)).toEqual(straight[step]);
    for (const step of [3, 11, 0, 3, 2]) expect(await resumed.batch(step)).toEqual(straight[step]);
    const other = loader(11, 4, 2);
    expect(members((await other.batch(0)).real)).not.toEqual(members(straight[0]!.real));
  });

  it('augmentation differs between steps and between slots', async () => {
    const batches = loader(4, 4);
    const draws = [...(await batches.batch(0)).real, ...(await batches.batch(1)).real].filter((_, i) => i % 3 === 1);
    expect(new Set(draws).size).toBe(8);
  });

  it('loads the next batch while one is used, and no pair twice for it', async () => {
    const log: number[] = [];
    const batches = new BatchLoader(counted(8, { log }), { batchSize: 4, seed: 1 });
    const first = await batches.batch(0);
    expect(log).toEqual([...batches.indices(0), ...batches.indices(1)]);
    const second = await batches.batch(1);
    expect(log.slice(0, 8)).toEqual([...members(first.real), ...members(second.real)]);
    expect(log.length).toBe(12);
  });

  it('a bad file is reported when its batch is requested, not before', async () => {
    const order = loader(8, 2).indices(1);
    const batches = new BatchLoader(counted(8, { fail: order[0] as number }), { batchSize: 2, seed: 1 });
    await batches.batch(0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(batches.batch(1)).rejects.toThrow(`${order[0]}.png is bad`);
    expect((await batches.batch(2)).epoch).toBe(0);
  });

  it('no pairs are refused', () => {
    expect(() => loader(0, 1)).toThrow('no pairs');
  });
});
