import { linearDecay, Plateau, stepDecay } from '../../../engine/nn/optim/schedules.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import type { NamedTensor } from '../../../engine/util/safetensors.ts';

/** How learning rates change with the epochs: the policies of the PyTorch code, under its names. */
export const LR_POLICIES = ['linear', 'step', 'plateau', 'cosine'] as const;
export type LrPolicy = (typeof LR_POLICIES)[number];

/** The part of a training configuration that determines the learning rates. */
export interface RateConfig {
  /** Learning rate of the generator, and of the PatchGAN. */
  lr: number;
  lrDisc: number;
  /** Epochs at the full learning rate, then epochs of decay; see `rateFactor`. */
  epochs: number;
  epochsDecay: number;
  /** Undefined in old checkpoints, whose rates fall a little at every step. */
  lrPolicy?: LrPolicy;
  /** `step`: epochs between two reductions. */
  lrDecayIters?: number;
}

/** `--lr_decay_iters` of the PyTorch code, unless given. */
export const LR_DECAY_ITERS = 50;

/**
 * The factor of the learning rates after `done` epochs, fractions included. Rates change between epochs, as in the
 * PyTorch code: epoch e, from 0, has the rate of a scheduler that was stepped e times.
 *
 * - `linear`: 1 for `epochs`, then linearly down over `epochsDecay`: d/(d + 1), … 1/(d + 1). If either is not a whole
 *   number, it falls at every step instead, to 0 at the end. Without decay it stays at 1.
 * - `step`: a tenth after every `lrDecayIters` epochs.
 * - `cosine`: half a cosine down to 0 over `epochs`, then up again.
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
 * @param reduced the factor of a plateau
 */
export function learningRates(config: RateConfig, done: number, reduced = 1): { gen: number; disc: number } {
  const factor = rateFactor(config, done) * reduced;
  return { gen: config.lr * factor, disc: config.lrDisc * factor };
}

/** The step at which a run's epochs of `perEpoch` steps end. With linear decay, the learning rate is zero from there on. */
export function scheduledSteps({ epochs, epochsDecay }: RateConfig, perEpoch: number): number {
  return Math.max(1, Math.round((epochs + epochsDecay) * perEpoch));
}

/** Name of a plateau's state in a checkpoint. */
export const PLATEAU_STATE = 'rate.plateau';

/**
 * `plateau`: rates fall to a fifth if the mean loss has not improved by 1 % for six epochs, as in ReduceLROnPlateau
 * with the constants of the PyTorch code. That code always passes 0 as the loss. Here it is the epoch's mean of L1, or
 * of the cycle loss.
 */
export class PlateauRate {
  private readonly plateau = new Plateau(1, { factor: 0.2, patience: 5, threshold: 0.01 });
  /** The current epoch, from 0, and the sum and number of its losses so far. */
  private epoch = 0;
  private sum = 0;
  private count = 0;
  /** The first step whose loss has not been added. */
  private next = 0;

  /** The factor of the learning rates. */
  get factor(): number {
    return this.plateau.lr;
  }

  /** Adds the loss of a step, from 0. Steps come in order; steps that were added before are skipped. */
  take(step: number, loss: number): void {
    if (step < this.next) return;
    this.next = step + 1;
    this.sum += loss;
    this.count++;
  }

  /** The factor of an epoch, from 0. Requires all losses of the epochs before. */
  at(epoch: number): number {
    if (epoch > this.epoch) {
      if (this.count > 0) this.plateau.observe(this.sum / this.count);
      Object.assign(this, { epoch, sum: 0, count: 0 });
    }
    return this.factor;
  }

  /** The state for a checkpoint. Requires all losses up to its step. */
  state(): NamedTensor {
    const { lr, best, bad } = this.plateau.state();
    const data = Float64Array.of(lr, best, bad, this.epoch, this.sum, this.count, this.next);
    return { dtype: 'F64', shape: [data.length], data };
  }

  /** Restores a state. @param file for the message @throws PixtapeError if it is damaged */
  restore({ dtype, data }: NamedTensor, file: string): void {
    const [lr = 1, best = 1, bad = 0, epoch = 0, sum = 0, count = 0, next = 0] = dtype === 'F64' ? data : [];
    if (dtype !== 'F64' || data.length !== 7 || data.some(Number.isNaN)) {
      throw new PixtapeError(`${file}: ${PLATEAU_STATE} is damaged`, 'Use another checkpoint.');
    }
    this.plateau.restore({ lr, best, bad });
    Object.assign(this, { epoch, sum, count, next });
  }
}
