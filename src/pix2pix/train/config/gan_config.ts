import type { DcganConfig } from '../../models/dcgan.ts';
import type { GanLoss } from './gan_loss.ts';

/** Everything that determines what a GAN's training computes. The checkpoint holds all of it. */
export interface GanConfig extends Omit<DcganConfig, 'classes'> {
  /** Names of the classes, in the order of the one-hot vectors; empty for an unconditional GAN. */
  classes: string[];
  batch: number;
  /** Learning rate of the generator, and of the discriminator. */
  lr: number;
  lrDisc: number;
  beta1: number;
  beta2: number;
  ganMode: GanLoss;
  /** The discriminator's target for real pictures: 1, or less with one-sided label smoothing (Salimans et al. 2016). */
  realTarget: number;
  /** With classes: treat real pictures with a wrong label as fakes, too (Reed et al. 2016, "matching-aware"). */
  matching: boolean;
  seed: number;
  /** Total steps, and how many of the last ones decay the learning rates linearly to zero. */
  steps: number;
  stepsDecay: number;
}

export const GAN_PRESET_NAMES = ['dcgan', 'quick'] as const;
export type GanPresetName = (typeof GAN_PRESET_NAMES)[number];

/** `dcgan`: the paper's sizes and constants. `quick`: small, for a machine without a GPU. */
export const GAN_PRESETS: Readonly<Record<GanPresetName, GanConfig>> = {
  dcgan: {
    side: 64,
    nz: 100,
    ngf: 64,
    ndf: 64,
    classes: [],
    batch: 128,
    lr: 2e-4,
    lrDisc: 2e-4,
    beta1: 0.5,
    beta2: 0.999,
    ganMode: 'vanilla',
    realTarget: 1,
    matching: true,
    seed: 0,
    steps: 25_000,
    stepsDecay: 0,
  },
  quick: {
    side: 32,
    nz: 64,
    ngf: 24,
    ndf: 24,
    classes: [],
    batch: 16,
    lr: 1e-3,
    lrDisc: 5e-4,
    beta1: 0.5,
    beta2: 0.999,
    ganMode: 'vanilla',
    realTarget: 0.9,
    matching: true,
    seed: 0,
    steps: 10_000,
    stepsDecay: 5000,
  },
};

/** The networks that a configuration describes. */
export function dcganConfig({ side, nz, ngf, ndf, classes }: GanConfig): DcganConfig {
  return { side, nz, ngf, ndf, classes: classes.length };
}

/** The learning rates of the step after `done` others. */
export function ganRates({ lr, lrDisc, steps, stepsDecay }: GanConfig, done: number): { gen: number; disc: number } {
  const factor = stepsDecay === 0 ? 1 : Math.min(1, Math.max(0, (steps - done) / stepsDecay));
  return { gen: lr * factor, disc: lrDisc * factor };
}
