/**
 * The library for browsers and Node: the engine, and Pix2Pix and its relatives built on it. It depends on neither. In
 * Node `import … from 'pixtape'` also includes node.ts, which finds an adapter and reads files. In a browser, bring
 * your own adapter. `pixtape/engine` is the engine alone.
 */

export * from './engine/index.ts';
// The networks of the tutorial and of the paper, a classifier and DCGAN.
export { Classifier, type ClassifierConfig } from './pix2pix/models/classifier.ts';
export { type DcganConfig, DcganDiscriminator, DcganGenerator } from './pix2pix/models/dcgan.ts';
export {
  type ConvDiscriminatorConfig,
  NLayerDiscriminator,
  PixelDiscriminator,
} from './pix2pix/models/discriminators.ts';
export {
  checkSides,
  type GeneratorConfig,
  type PictureRange,
  TUTORIAL_GENERATOR,
} from './pix2pix/models/generators/config.ts';
export { type ResizeUnetConfig, ResizeUnetGenerator } from './pix2pix/models/generators/resize_unet.ts';
export { type ResnetConfig, ResnetGenerator } from './pix2pix/models/generators/resnet.ts';
export { Generator } from './pix2pix/models/generators/tutorial.ts';
export { type UnetConfig, UnetGenerator } from './pix2pix/models/generators/unet.ts';
export { createDiscriminator, createGenerator, type NetworksConfig } from './pix2pix/models/networks.ts';
export { PatchGAN, type PatchGanConfig } from './pix2pix/models/patch_gan.ts';
export type { Discriminator, PictureGenerator } from './pix2pix/models/registry/kind.ts';
export {
  type CheckpointHeader,
  captureState,
  decodeHeader,
  encodeHeader,
  type GanState,
  restoreGenerator,
  restoreState,
} from './pix2pix/train/checkpoint/state.ts';
// Training Pix2Pix and DCGAN, predicting with them, and estimating memory.
export {
  PRESET_NAMES,
  PRESETS,
  type PresetName,
  type TrainConfig,
} from './pix2pix/train/config/config.ts';
export {
  GAN_PRESET_NAMES,
  GAN_PRESETS,
  type GanConfig,
  type GanPresetName,
} from './pix2pix/train/config/gan_config.ts';
export { GAN_MODES, type GanLoss, type GanMode, ganLoss } from './pix2pix/train/config/gan_loss.ts';
export { LR_POLICIES, type LrPolicy, learningRates } from './pix2pix/train/config/rates.ts';
export { estimatePrediction, estimateTraining, type MemoryEstimate } from './pix2pix/train/memory/estimate.ts';
export { Gan, type GanBatch, type GanLosses, type GanOutputs } from './pix2pix/train/steps/gan.ts';
export { GanSampler, type SampleRequest } from './pix2pix/train/steps/gan_sampler.ts';
export { type Losses, Pix2Pix, type PrepareOptions, type StepOutputs } from './pix2pix/train/steps/pix2pix.ts';
export { Predictor, type PredictorOptions } from './pix2pix/train/steps/predictor.ts';
