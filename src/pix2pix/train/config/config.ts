import type { Precision } from '../../../engine/gpu/storage.ts';
import { PAPER_GENERATOR, TUTORIAL_GENERATOR } from '../../models/generator.ts';
import { type NetworksConfig, TUTORIAL_NETWORKS } from '../../models/networks.ts';
import type { Init } from '../../models/registry/kind.ts';
import type { GanMode } from './gan_loss.ts';

/** Everything that decides what is computed; goes into the checkpoint whole. */
export interface TrainConfig extends NetworksConfig {
  ganMode: GanMode;
  width: number;
  height: number;
  batch: number;
  /** Learning rate of the generator, and of the PatchGAN. */
  lr: number;
  lrDisc: number;
  beta1: number;
  beta2: number;
  /** Weight of the L1 term. */
  lambda: number;
  /** Weight of the structural term, 1 − SSIM; 0 for none, which the tutorial and the paper have. */
  lambdaSsim: number;
  /**
   * Convolutions and batch norm: `tutorial` N(0, 0.02) both, as coded; `paper` N(0, 0.02) and N(1, 0.02); `he` N(0, 2 / fan_in)
   * (He et al. 2015) and N(1, 0.02).
   */
  init: Init;
  /** Use the discriminator step's fake again in the generator step, instead of a second forward. */
  reuseFake: boolean;
  /** Keep less for the backward and work it out again: the same bits with less memory, for one more forward of the generator. Default false. */
  recompute?: boolean;
  /** What activations and their gradients are stored as, in training; see `record`. Default f32. */
  precision?: Precision;
  seed: number;
  /** Epochs at the full learning rate, then epochs of linear decay to zero. */
  epochs: number;
  epochsDecay: number;
}

export const PRESET_NAMES = ['tutorial', 'quick', 'paper'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/**
 * `tutorial` is the tutorial's own model and constants. `quick` mends what keeps that model from learning fast (batch norm
 * shared between two places, started at zero; weights that begin so small that nothing reaches the bottom of the U, where no
 * norm mends it; dropout at the output), adds a structural term against blotches, and is sized for a machine without a GPU.
 * That term pays in thousands of steps: before, it keeps colours out, since of those that a network is not sure of SSIM likes
 * white best, and short runs do better without it (`npm start`, the page).
 * `paper` is the paper's U-Net and PatchGAN with its constants; flip and jitter come with it (see `PAPER_DATA`).
 */
export const PRESETS: Readonly<Record<PresetName, TrainConfig>> = {
  tutorial: {
    ...TUTORIAL_NETWORKS,
    ganMode: 'vanilla',
    lambdaSsim: 0,
    generator: TUTORIAL_GENERATOR,
    discHidden: 8,
    width: 256,
    height: 256,
    batch: 4,
    lr: 2e-4,
    lrDisc: 2e-4,
    beta1: 0.9,
    beta2: 0.999,
    lambda: 200,
    init: 'tutorial',
    reuseFake: false,
    seed: 0,
    epochs: 100,
    epochsDecay: 0,
  },
  quick: {
    ...TUTORIAL_NETWORKS,
    ganMode: 'vanilla',
    lambdaSsim: 50,
    generator: { ...TUTORIAL_GENERATOR, hidden: 8, depth: 4, dropout: 0, dropoutAt: 'inner', sharedNorm: false },
    discHidden: 4,
    width: 64,
    height: 64,
    batch: 2,
    lr: 5e-3,
    lrDisc: 2e-4,
    beta1: 0.5,
    beta2: 0.999,
    lambda: 100,
    init: 'he',
    reuseFake: true,
    seed: 0,
    epochs: 100,
    epochsDecay: 0,
  },
  paper: {
    netG: 'unet',
    netD: 'basic',
    norm: 'batch',
    ganMode: 'vanilla',
    lambdaSsim: 0,
    generator: PAPER_GENERATOR,
    discHidden: 64,
    width: 256,
    height: 256,
    batch: 1,
    lr: 2e-4,
    lrDisc: 2e-4,
    beta1: 0.5,
    beta2: 0.999,
    lambda: 100,
    init: 'paper',
    reuseFake: true,
    seed: 0,
    epochs: 100,
    epochsDecay: 100,
  },
};

/** How the paper treats its pictures: enlarged by 286/256, cut out at random, mirrored at random. */
export const PAPER_DATA = { flip: true, jitter: true, resize: 'bilinear' } as const;

/**
 * Learning rates after `done` epochs, fractions included: constant for `epochs`, then in a straight line down to zero
 * over `epochsDecay`, a little at every step. (pix2pix goes down once an epoch: the same line, in stairs.) Without a decay
 * they stay as they are, however long a run goes on.
 */
export function learningRates(config: TrainConfig, done: number): { gen: number; disc: number } {
  const into = Math.max(0, done - config.epochs);
  const factor = into === 0 || config.epochsDecay === 0 ? 1 : Math.max(0, 1 - into / config.epochsDecay);
  return { gen: config.lr * factor, disc: config.lrDisc * factor };
}

/** The step at which a run's epochs end, `perEpoch` steps each. Where the rate falls, it is zero from there on. */
export function scheduledSteps({ epochs, epochsDecay }: TrainConfig, perEpoch: number): number {
  return Math.max(1, Math.round((epochs + epochsDecay) * perEpoch));
}
