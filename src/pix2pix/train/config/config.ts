import type { Precision } from '../../../engine/gpu/storage.ts';
import { PAPER_GENERATOR, TUTORIAL_GENERATOR } from '../../models/generators/config.ts';
import { type NetworksConfig, TUTORIAL_NETWORKS } from '../../models/networks.ts';
import type { Init } from '../../models/registry/kind.ts';
import type { GanMode } from './gan_loss.ts';
import type { RateConfig } from './rates.ts';

/** Everything that determines what is computed. The checkpoint holds all of it. */
export interface TrainConfig extends NetworksConfig, RateConfig {
  ganMode: GanMode;
  width: number;
  height: number;
  batch: number;
  beta1: number;
  beta2: number;
  /** Weight of the L1 term: `--lambda_L1`. */
  lambdaL1: number;
  /** Weight of the structural term, 1 − SSIM; 0 for none, as in the tutorial and the paper. */
  lambdaSsim: number;
  /**
   * Initial weights of convolutions and of batch norm: `tutorial` N(0, 0.02) for both, as in its code; `paper` N(0,
   * 0.02) and N(1, 0.02); `he` N(0, 2 / fan_in) (He et al. 2015) and N(1, 0.02).
   */
  init: Init;
  /** Reuse the discriminator step's fake in the generator step, instead of a second forward pass. */
  reuseFake: boolean;
  /**
   * Recompute activations in the backward pass: the same bits with less memory, for one more forward pass. Default
   * false.
   */
  recompute?: boolean;
  /**
   * Decay of the running average of the generator's weights, in [0, 1): see `WeightAverage`. Samples and all other
   * outputs use the averaged weights. 0 for none.
   */
  ema: number;
  /** Storage type of activations and their gradients in training; see `record`. Default f32. */
  precision?: Precision;
  seed: number;
}

export const PRESET_NAMES = ['tutorial', 'quick', 'paper'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/**
 * `tutorial` is the tutorial's own model and constants. `quick` fixes what keeps that model from learning fast: batch
 * norm shared between two places and initialised around zero, initial weights so small that no signal reaches the
 * bottom of the U, and dropout at the output. It adds a structural term against blotches, and is sized for a machine
 * without a GPU. That term pays off after thousands of steps. Before, it suppresses colours: where a network is unsure
 * of a colour, SSIM prefers white. Short runs do better without it (`npm start`, the page). `paper` is the paper's
 * U-Net and PatchGAN with its constants, and with flip and jitter (see `PAPER_DATA`).
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
    lambdaL1: 200,
    init: 'tutorial',
    reuseFake: false,
    ema: 0,
    seed: 0,
    lrPolicy: 'linear',
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
    lambdaL1: 100,
    init: 'he',
    reuseFake: true,
    ema: 0.998,
    seed: 0,
    lrPolicy: 'linear',
    epochs: 100,
    epochsDecay: 0,
  },
  paper: {
    ...TUTORIAL_NETWORKS,
    netG: 'unet',
    netD: 'basic',
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
    lambdaL1: 100,
    init: 'paper',
    reuseFake: true,
    ema: 0,
    seed: 0,
    lrPolicy: 'linear',
    epochs: 100,
    epochsDecay: 100,
  },
};

/** The paper's augmentation: enlarged by 286/256, cropped at random, mirrored at random. */
export const PAPER_DATA = { flip: true, jitter: true, resize: 'bilinear' } as const;
