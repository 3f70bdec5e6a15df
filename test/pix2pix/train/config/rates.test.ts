import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../../../src/pix2pix/train/config/config.ts';
import {
  learningRates,
  PlateauRate,
  type RateConfig,
  rateFactor,
  scheduledSteps,
} from '../../../../src/pix2pix/train/config/rates.ts';

const base: RateConfig = { lr: 2e-4, lrDisc: 1e-4, epochs: 5, epochsDecay: 7, lrPolicy: 'linear' };

/** The rate of each epoch, computed recursively as PyTorch's schedulers do, stepped at the end of each epoch. */
function pytorch(epochs: number, next: (lr: number, lastEpoch: number) => number): number[] {
  const rates = [next(base.lr, 0)];
  while (rates.length < epochs) rates.push(next(rates.at(-1) as number, rates.length));
  return rates;
}

/** Of `rateFactor`, at points within each epoch. */
const ours = (config: RateConfig, epochs: number, within = 0) =>
  Array.from({ length: epochs }, (_, epoch) => config.lr * rateFactor(config, epoch + within));

describe('rates are those of PyTorch’s schedulers', () => {
  it('linear: LambdaLR with pix2pix’s lambda_rule', () => {
    // 1.0 - max(0, epoch + opt.epoch_count - opt.n_epochs) / float(opt.n_epochs_decay + 1), epoch_count 1
    const rule = (_: number, epoch: number) => base.lr * (1.0 - Math.max(0, epoch + 1 - 5) / (7 + 1));
    for (const within of [0, 0.5, 0.999]) expect(ours(base, 12, within)).toEqual(pytorch(12, rule));
    expect(ours(base, 12).at(-1)).toBe(base.lr / 8);
    expect(rateFactor(base, 12)).toBe(0);
    const paper = { ...PRESETS.paper };
    expect([0, 99, 100, 149, 199].map((epoch) => rateFactor(paper, epoch))).toEqual([
      1,
      1,
      1 - 1 / 101,
      1 - 50 / 101,
      1 - 100 / 101,
    ]);
  });

  it('linear without decay: constant, however long', () => {
    expect([0, 4.5, 5, 80].map((done) => rateFactor({ ...base, epochsDecay: 0 }, done))).toEqual([1, 1, 1, 1]);
  });

  it('linear within an epoch: falls at every step, also in runs from before there was a choice', () => {
    const part: RateConfig = { ...base, epochs: 0.5, epochsDecay: 0.5 };
    expect([0, 0.5, 0.75, 1].map((done) => rateFactor(part, done))).toEqual([1, 1, 0.5, 0]);
    const { lrPolicy: _, ...before } = base;
    expect(rateFactor(before, 8.5)).toBe(0.5);
  });

  it('step: StepLR', () => {
    const config: RateConfig = { ...base, lrPolicy: 'step', lrDecayIters: 3 };
    const reference = pytorch(12, (lr, last) => (last === 0 || last % 3 !== 0 ? lr : lr * 0.1));
    for (const [epoch, rate] of ours(config, 12, 0.7).entries()) {
      expect(rate / (reference[epoch] as number)).toBeCloseTo(1, 13);
    }
    expect(
      ours({ ...base, lrPolicy: 'step' }, 51)
        .map((rate) => rate === base.lr)
        .indexOf(false),
    ).toBe(50);
  });

  it('cosine: CosineAnnealingLR over --n_epochs, and up again', () => {
    const config: RateConfig = { ...base, lrPolicy: 'cosine' };
    const reference = pytorch(12, (lr, last) => {
      if (last === 0) return lr;
      if ((last - 1 - 5) % 10 === 0) return lr + (base.lr * (1 - Math.cos(Math.PI / 5))) / 2;
      return ((1 + Math.cos((Math.PI * last) / 5)) / (1 + Math.cos((Math.PI * (last - 1)) / 5))) * lr;
    });
    for (const [epoch, rate] of ours(config, 12, 0.3).entries())
      expect(rate).toBeCloseTo(reference[epoch] as number, 17);
    expect(rateFactor(config, 5)).toBe(0);
    expect(rateFactor(config, 10)).toBe(1);
  });

  it('plateau: ReduceLROnPlateau of the means of epochs', () => {
    const means = [5, 4, 3.99, 3.97, 3.965, 4, 3.99, 3.98, 3.99, 3.97, 2, 2, 2, 2, 2, 2, 2, 1.99, 2];
    // torch.optim.lr_scheduler.ReduceLROnPlateau.step, mode min, threshold_mode rel
    const reference = [1];
    let [best, bad] = [Number.POSITIVE_INFINITY, 0];
    for (const mean of means) {
      let rate = reference.at(-1) as number;
      if (mean < best * (1 - 0.01)) [best, bad] = [mean, 0];
      else bad++;
      if (bad > 5) [rate, bad] = [rate * 0.2, 0];
      reference.push(rate);
    }
    expect(new Set(reference).size).toBe(3);
    let plateau = new PlateauRate();
    means.forEach((mean, epoch) => {
      expect(plateau.at(epoch), `epoch ${epoch}`).toBe(reference[epoch]);
      plateau.take(2 * epoch, mean - 0.5);
      // A state from the middle of an epoch suffices to continue.
      const other = new PlateauRate();
      other.restore(plateau.state(), 'test');
      plateau = other;
      plateau.take(2 * epoch, 1e9); // was taken before
      plateau.take(2 * epoch + 1, mean + 0.5);
    });
    expect(plateau.at(means.length)).toBe(reference.at(-1));
  });
});

it('a damaged state of a plateau is refused', () => {
  const state = new PlateauRate().state();
  const short = { ...state, shape: [3], data: new Float64Array(3) } as typeof state;
  expect(() => new PlateauRate().restore(short, 'x.safetensors')).toThrow(/x\.safetensors: rate\.plateau is damaged/);
});

it('both networks use it, and a run ends with its epochs', () => {
  expect(learningRates(base, 0)).toEqual({ gen: 2e-4, disc: 1e-4 });
  expect(learningRates(base, 8, 0.2).disc).toBeCloseTo(1e-4 * 0.5 * 0.2, 18);
  expect(scheduledSteps(base, 10)).toBe(120);
});
