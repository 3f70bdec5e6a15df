import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { Adam } from '../../../../src/engine/nn/optim/adam.ts';
import { mul } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { averageOverRanks } from '../../../../src/engine/ops/ranks/average.ts';
import { gatherFromRanks } from '../../../../src/engine/ops/ranks/gather.ts';
import { mean } from '../../../../src/engine/ops/reduce/reduce.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { ranksInOne } from '../../../../tools/pytorch/ranks_in_one.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

/** Four weights of 1, with one input each: the gradient of weight i is x[i] / 8. */
async function rank(of: ReturnType<typeof ranksInOne>[number], bucketBytes: number) {
  const weights = Array.from({ length: 4 }, (_, i) => {
    const w = Tensor.from(device, [8], new Float32Array(8).fill(1), `w${i}`);
    w.requiresGrad = true;
    return w;
  });
  const inputs = weights.map((_, i) => Tensor.from(device, [8], new Float32Array(8).fill(8 * (i + 1 + of.rank))));
  const adam = new Adam(device, weights, { lr: 0.5 });
  const recorded = await record(device, () => {
    const losses = weights.map((w, i) => mean(mul(w, inputs[i] as Tensor)));
    for (const loss of losses) backward(loss);
    for (const tensors of [weights.map((w) => w.grad as Tensor), losses])
      averageOverRanks(of, tensors, { bucketBytes });
    adam.step();
    return { gradients: weights.map((w) => w.grad as Tensor), losses };
  });
  return { recorded, weights };
}

test.each([1, 40, 1e9])('gradients and losses are averaged, in buckets of %d bytes', async (bucketBytes) => {
  const ranks = await Promise.all(ranksInOne(3).map((of) => rank(of, bucketBytes)));
  for (let run = 0; run < 2; run++) await Promise.all(ranks.map(({ recorded }) => recorded.runInParts()));
  for (const { recorded, weights } of ranks) {
    for (const [i, g] of recorded.outputs.gradients.entries()) {
      expect([...(await g.read())]).toEqual(new Array(8).fill(i + 2));
    }
    // In the second step, for which Adam has moved every weight from 1 to 1/2.
    for (const [i, loss] of recorded.outputs.losses.entries()) {
      expect((await loss.read())[0]).toBeCloseTo(4 * (i + 2), 4);
    }
    for (const w of weights) expect((await w.read())[3]).toBeCloseTo(0, 4);
    recorded.destroy();
  }
});

test('the time of averages is measured if requested', async () => {
  const times = [0, 1].map(() => ({ copying: 0, span: 0, exposed: 0 }));
  const late = 30;
  const ranks = await Promise.all(
    ranksInOne(2).map((of, i) => {
      const mean: typeof of.mean = async (...given) => {
        const [values] = await Promise.all([of.mean(...given), new Promise((done) => setTimeout(done, late))]);
        return values;
      };
      return rank({ ...of, mean, times: times[i] }, 1);
    }),
  );
  const start = performance.now();
  for (let run = 1; run <= 2; run++) {
    await Promise.all(ranks.map(({ recorded }) => recorded.runInParts()));
    for (const { copying, span, exposed } of times) {
      // Gradients and losses are under way at the same time, which counts once.
      expect(span).toBeLessThan((performance.now() - start) / 1000);
      // setTimeout may be a millisecond early.
      expect(span).toBeGreaterThan((run * (late - 1)) / 1000);
      expect(exposed).toBeGreaterThan(0);
      expect(exposed).toBeLessThanOrEqual(span);
      expect(copying).toBeGreaterThan(0);
    }
  }
  for (const { recorded } of ranks) recorded.destroy();
});

test('gathered values are in the order of the ranks', async () => {
  const all = await Promise.all(
    ranksInOne(3).map(async (of) => {
      const x = Tensor.from(device, [2], [of.rank, of.rank + 0.5]);
      const recorded = await record(device, () => {
        const [a, b] = [mul(x, 2), mul(x, 10)];
        return mul(gatherFromRanks(of, [a, b], 'all'), 1);
      });
      await recorded.runInParts();
      const values = [...(await recorded.outputs.read())];
      recorded.destroy();
      return values;
    }),
  );
  for (const values of all) expect(values).toEqual([0, 1, 0, 5, 2, 3, 10, 15, 4, 5, 20, 25]);
});

test('a program with cuts cannot run in one go', async () => {
  const [of] = ranksInOne(1) as [ReturnType<typeof ranksInOne>[number]];
  const x = Tensor.from(device, [1], [3]);
  const recorded = await record(device, () => mul(gatherFromRanks(of, [mul(x, 2)], 'all'), 1));
  expect(() => recorded.run()).toThrow(/host work in the middle.*\n.*runInParts/);
  await expect(recorded.program.profile()).rejects.toThrow(/runInParts/);
  recorded.destroy();
});

test('a rank that fails at a meeting fails its run', async () => {
  const broken = {
    rank: 0,
    count: 2,
    mean: () => Promise.reject(new Error('gone')),
    gather: () => Promise.reject(new Error('gone')),
  };
  const { recorded } = await rank(broken, 1);
  await expect(recorded.runInParts()).rejects.toThrow('gone');
  recorded.destroy();
});
