import { PNG } from 'pngjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import type { Dataset } from '../../../../src/pix2pix/data/sets/dataset.ts';
import { chooseSamples, HeldOutSet } from '../../../../src/pix2pix/train/evaluate/held_out.ts';
import { sampleGrid } from '../../../../src/pix2pix/train/sheets/grid.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { openTestDevice } from '../../../device.ts';
import { madeUpPairs, tinyConfig } from '../tiny.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.destroy());

function meanDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

const named = (names: string[]): Dataset => ({ ...madeUpPairs(names.length), name: (i) => names[i]! });

it('measures the score of copying the input', async () => {
  const test = madeUpPairs(5);
  const { baseline, count, total: of } = await HeldOutSet.load(test, { samples: 1, maxSamples: 256 });
  const each = await Promise.all([0, 1, 2, 3, 4].map((i) => test.pair(i)));
  expect(baseline).toBeCloseTo(mean(each.map(({ condition, real }) => meanDistance(condition, real))), 10);
  expect([count, of]).toEqual([5, 5]);
});

it('measures at most the given number of pictures, spread over the set', async () => {
  const asked = new Set<number>();
  const all = madeUpPairs(100);
  const watched: Dataset = {
    ...all,
    pair: (i) => {
      asked.add(i);
      return all.pair(i);
    },
  };
  const heldOut = await HeldOutSet.load(watched, { samples: 1, maxSamples: 4 });
  expect([...asked]).toEqual([0, 25, 50, 75]);
  expect([heldOut.count, heldOut.total]).toEqual([4, 100]);
});

it.each([true, false])('predicts each picture as alone, whatever the batch; shared norm: %s', async (sharedNorm) => {
  // 7 pictures in batches of 3: the last batch is not full.
  const { generator } = tinyConfig();
  const model = new Pix2Pix(device, tinyConfig({ batch: 3, generator: { ...generator, sharedNorm } }));
  const test = madeUpPairs(7);
  const pairs = await Promise.all(Array.from({ length: 7 }, (_, i) => test.pair(i)));
  const heldOut = await HeldOutSet.load(test, { samples: 2, maxSamples: 256 });
  const evaluated = (await heldOut.evaluate(model))!;
  const fakes: Float32Array[] = [];
  for (const { condition } of pairs) fakes.push(await model.predict(condition, 1, 16, 16));
  expect(evaluated.l1).toBeCloseTo(mean(fakes.map((fake, i) => meanDistance(fake, pairs[i]!.real))), 6);
  expect(model.generator.training).toBe(true);

  const rows = [0, 3].map((i) => ({ ...pairs[i]!, fake: fakes[i]! }));
  expect(Buffer.compare(evaluated.grid, await sampleGrid(rows, 16, 16))).toBe(0);
  expect((await heldOut.evaluate(model))!.l1).toBe(evaluated.l1);
  expect(PNG.sync.read(Buffer.from(evaluated.grid)).width).toBeGreaterThan(300);
});

it('stops early when asked', async () => {
  const model = new Pix2Pix(device, tinyConfig());
  const heldOut = await HeldOutSet.load(madeUpPairs(6), { samples: 1, maxSamples: 256 });
  let asked = 0;
  expect(await heldOut.evaluate(model, { stop: () => ++asked > 1 })).toBeUndefined();
  expect(asked).toBe(2);
});

it('chooses the same pictures every time, the preferred ones first', () => {
  const test = named(['dog', 'grinning face', 'car', 'facets', 'sad face', 'tree', 'cat face', 'box', 'map', 'cup']);
  expect(chooseSamples(test, 3)).toEqual([0, 3, 6]);
  expect(chooseSamples(test, 2, /\bface\b/)).toEqual([1, 4]);
  expect(chooseSamples(test, 3, /\bface\b/)).toEqual([1, 4, 6]);
  expect(chooseSamples(test, 5, /\bface\b/)).toEqual([0, 1, 4, 5, 6]);
  expect(chooseSamples(test, 99, /\bface\b/)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(chooseSamples(named(['a']), 8)).toEqual([0]);
});
