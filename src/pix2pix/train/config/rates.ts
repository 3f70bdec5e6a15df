import { linearDecay, Plateau, stepDecay } from '../../../engine/nn/optim/schedules.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import type { NamedTensor } from '../../../engine/util/safetensors.ts';

/** How learning rates change, epoch by epoch: the policies of the PyTorch code, by its names. */
export const LR_POLICIES = ['linear', 'step', 'plateau', 'cosine'] as const;
export type LrPolicy = (typeof LR_POLICIES)[number];

/** The part of a training configuration that decides its learning rates. */
export interface RateConfig {
  /** Learning rate of the generator, and of the PatchGAN. */
  lr: number;
  lrDisc: number;
  /** Epochs at the full learning rate, then epochs of decay; see `rateFactor`. */
  epochs: number;
  epochsDecay: number;
  /** Undefined in checkpoints from before there was a choice, which fall a little at every step. */
  lrPolicy?: LrPolicy;
  /** `step`: epochs between two falls. */
  lrDecayIters?: number;
}

/** `--lr_decay_iters` of the PyTorch code, unless given. */
export const LR_DECAY_ITERS = 50;

/**
 * What learning rates are multiplied by after `done` epochs, fractions included. They change between epochs, as those of
 * the PyTorch code: epoch e, from 0, has the rate of a scheduler that was stepped e times.
 *
 * - `linear`: 1 for `epochs`, then straight down over `epochsDecay`: d/(d + 1), … 1/(d + 1). Where either is no whole
 *   number, it falls at every step instead, to 0 at the end. Without decay it stays at 1, however long a run goes on.
 * - `step`: a tenth after every `lrDecayIters` epochs.
 * - `cosine`: half a cosine down to 0 over `epochs`, and up again after them.
 * - `plateau`: 1 here; see `PlateauRate`.
 *
 * Source: `get_scheduler` of pytorch-CycleGAN-and-pix2pix; LambdaLR, StepLR and CosineAnnealingLR of PyTorch.
 */
export function rateFactor(config: RateConfig, done: number): number {
  const { epochs, epochsDecay, lrPolicy, lrDecayIters = LR_DECAY_ITERS } = config;
  const epoch = Math.floor(done);
  if (lrPolicy === 'plateau') return 1;
  if (lrPolicy === 'step') return stepDecay(1, lrDecayIters)(epoch + 1);
  if (lrPolicy === 'cosine') return (1 + Math.cos((Math.PI * epoch) / epochs)) / 2;
  if (epochsDecay === 0) return 1;
  const whole = lrPolicy === 'linear' && Number.isInteger(epochs) && Number.isInteger(epochsDecay);
  if (whole) return linearDecay(1, epochs - 1, epochsDecay + 1)(epoch + 1);
  return Math.max(0, 1 - Math.max(0, done - epochs) / epochsDecay);
}

/**
 * Learning rates after `done` epochs, fractions included.
 * @param reduced what a plateau has multiplied them by
 */
export function learningRates(config: RateConfig, done: number, reduced = 1): { gen: number; disc: number } {
  const factor = rateFactor(config, done) * reduced;
  return { gen: config.lr * factor, disc: config.lrDisc * factor };
}

/** The step at which a run's epochs of `perEpoch` steps end. With linear decay, the learning rate is zero from there on. */
export function scheduledSteps({ epochs, epochsDecay }: RateConfig, perEpoch: number): number {
  return Math.max(1, Math.round((epochs + epochsDecay) * perEpoch));
}

/** Under which a checkpoint keeps a plateau. */
export const PLATEAU_STATE = 'rate.plateau';

/**
 * `plateau`: rates fall to a fifth when the mean loss of six epochs has not come 1 % below the best before, as
 * ReduceLROnPlateau does with the constants of the PyTorch code. That code feeds it 0 in each epoch; here it sees the
 * mean of the loss that pictures are measured by, L1 or the cycle loss, over the steps of an epoch.
 */
export class PlateauRate {
  private readonly plateau = new Plateau(1, { factor: 0.2, patience: 5, threshold: 0.01 });
  /** The epoch under way, from 0; the sum and the number of its losses so far. */
  private epoch = 0;
  private sum = 0;
  private count = 0;
  /** The first step whose loss has not been taken. */
  private next = 0;

  /** What rates are multiplied by. */
  get factor(): number {
    return this.plateau.lr;
  }

  /** Takes the loss of a step, from 0. Steps come in order; one that was taken before is left out. */
  take(step: number, loss: number): void {
    if (step < this.next) return;
    this.next = step + 1;
    this.sum += loss;
    this.count++;
  }

  /** The factor of an epoch, from 0. All losses of the epochs before have been taken. */
  at(epoch: number): number {
    if (epoch > this.epoch) {
      if (this.count > 0) this.plateau.observe(this.sum / this.count);
      Object.assign(this, { epoch, sum: 0, count: 0 });
    }
    return this.factor;
  }

  /** For a checkpoint. All losses up to its step have been taken. */
  state(): NamedTensor {
    const { lr, best, bad } = this.plateau.state();
    const data = Float64Array.of(lr, best, bad, this.epoch, this.sum, this.count, this.next);
    return { dtype: 'F64', shape: [data.length], data };
  }

  /** Goes on from a state. @param file for the message @throws PixtapeError if it is none */
  restore({ dtype, data }: NamedTensor, file: string): void {
    const [lr = 1, best = 1, bad = 0, epoch = 0, sum = 0, count = 0, next = 0] = dtype === 'F64' ? data : [];
    if (dtype !== 'F64' || data.length !== 7 || data.some(Number.isNaN)) {
      throw new PixtapeError(`${file}: ${PLATEAU_STATE} is damaged`, 'Use another checkpoint.');
    }
    this.plateau.restore({ lr, best, bad });
    Object.assign(this, { epoch, sum, count, next });
  }
}
