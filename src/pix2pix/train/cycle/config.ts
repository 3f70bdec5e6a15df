import { PRESETS, type TrainConfig } from '../config/config.ts';

/** Everything that determines what a CycleGAN's training computes. The checkpoint holds all of it. */
export interface CycleConfig extends TrainConfig {
  /** Weights of the cycles A → B → A and B → A → B. */
  lambdaA: number;
  lambdaB: number;
  /** Weight of the identity loss, relative to the weights above; 0 for none. */
  lambdaIdentity: number;
  /** Generated pictures that each discriminator's pool keeps; 0 for none. */
  poolSize: number;
}

const weights = { lambdaA: 10, lambdaB: 10, lambdaIdentity: 0.5, poolSize: 50 };

/**
 * `cycle_gan`: the paper's set-up, a ResNet of 9 blocks, instance norm, 70 × 70 PatchGANs, least squares. `quick`:
 * small, for a machine without a GPU.
 */
export const CYCLE_PRESETS: Readonly<Record<'cycle_gan' | 'quick', CycleConfig>> = {
  cycle_gan: {
    ...PRESETS.paper,
    ...weights,
    netG: 'resnet',
    norm: 'instance',
    ganMode: 'lsgan',
    generator: { ...PRESETS.paper.generator, depth: 9, dropout: 0 },
  },
  quick: {
    ...PRESETS.paper,
    ...weights,
    netG: 'resnet',
    norm: 'instance',
    ganMode: 'lsgan',
    generator: { ...PRESETS.paper.generator, hidden: 8, depth: 3, dropout: 0 },
    discHidden: 8,
    width: 64,
    height: 64,
    lr: 1e-3,
    lrDisc: 5e-4,
    epochs: 10,
    epochsDecay: 10,
  },
};
