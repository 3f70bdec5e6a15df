/**
 * The library, for browsers and Node alike: nothing here needs either. In Node `import … from 'pixtape'` gives this and
 * node.ts, which finds an adapter and reads files; in a browser bring an adapter of your own:
 *
 *     const device = await Device.open(await navigator.gpu.requestAdapter());
 *
 * Work is recorded once and replayed: operations only run inside `record`.
 *
 *     const step = await record(device, () => {
 *       const loss = mseLoss(network.forward(x), y);
 *       backward(loss);
 *       adam.step();
 *       return loss;
 *     });
 *     adam.setStep(1);
 *     step.run();
 *     console.log(await step.outputs.read());
 */

// The device, recorded programs, and what an operation of one's own takes: a kernel and where to run it.
export { type Capabilities, Device, type DeviceOptions } from './gpu/device.ts';
export type { Kernel } from './gpu/kernel.ts';
export type { DispatchTiming, Program, Workgroups } from './gpu/program.ts';
export type { Bindable, Dtype, Storage, StorageSlice } from './gpu/storage.ts';
// The tutorial's networks, and the paper's.
export {
  BasicDiscriminator,
  type ConvDiscriminatorConfig,
  PixelDiscriminator,
} from './models/discriminators.ts';
export {
  checkSides,
  Generator,
  type GeneratorConfig,
  type PictureRange,
  TUTORIAL_GENERATOR,
} from './models/generator.ts';
export {
  createDiscriminator,
  createGenerator,
  type Discriminator,
  type NetworksConfig,
  type PictureGenerator,
} from './models/networks.ts';
export { PatchGAN, type PatchGanConfig } from './models/patch_gan.ts';
export { type UnetConfig, UnetGenerator } from './models/unet.ts';
// Modules, initial weights, and the optimiser.
export { Adam, type AdamOptions } from './nn/adam.ts';
export { type InitOptions, initWeights } from './nn/init.ts';
export { BatchNorm2d, Conv2d, type ConvOptions, ConvTranspose2d, Dropout } from './nn/layers.ts';
export type { LossScale } from './nn/loss_scale.ts';
export { Module, type StateEntry, type StateKind } from './nn/module.ts';
export { createNorm, InstanceNorm2d, type Norm, type NormKind } from './nn/norm.ts';
// Operations: pictures are NCHW, values float32.
export { add } from './ops/add.ts';
export { batchNorm } from './ops/batch_norm.ts';
export { centerCrop } from './ops/center_crop.ts';
export { concat } from './ops/concat.ts';
export { type Conv2dOptions, conv2d, convTranspose2d } from './ops/conv2d.ts';
export { dropout } from './ops/dropout.ts';
export { instanceNorm } from './ops/instance_norm.ts';
export { leakyRelu, relu } from './ops/leaky_relu.ts';
export { bceWithLogits, l1Loss, mseLoss } from './ops/losses.ts';
export { maxPool2d } from './ops/max_pool.ts';
export { mul } from './ops/mul.ts';
export { permute, transpose2d } from './ops/permute.ts';
export { Rng } from './ops/rng.ts';
export { scale } from './ops/scale.ts';
export { sigmoid } from './ops/sigmoid.ts';
export { ssimLoss } from './ops/ssim.ts';
export { mean, sum } from './ops/sum.ts';
export { tanh } from './ops/tanh.ts';
export { upsampleBilinear } from './ops/upsample.ts';
// Tensors, recording and differentiation.
export { type Backward, backward, differentiable, noGrad } from './tape/autograd.ts';
export { dispatch, dispatchFlat } from './tape/dispatch.ts';
export { Recorded, type RecordOptions, record } from './tape/record.ts';
export { type Shape, Tensor } from './tape/tensor.ts';
// Pix2Pix: training it, painting with it, and what it takes.
export { learningRates, PRESETS, type PresetName, type TrainConfig } from './train/config.ts';
export { estimatePainting, estimateTraining, type MemoryEstimate } from './train/estimate.ts';
export { type GanLoss, type GanMode, ganLoss } from './train/gan_loss.ts';
export { Painter, type PainterOptions } from './train/painter.ts';
export { type Losses, Pix2Pix, type PrepareOptions, type StepOutputs } from './train/pix2pix.ts';
export {
  type CheckpointHeader,
  captureState,
  decodeHeader,
  encodeHeader,
  restoreGenerator,
  restoreState,
} from './train/state.ts';
// Files as bytes, errors, random numbers.
export { PixtapeError } from './util/errors.ts';
export { RandomStream } from './util/random.ts';
export { type DType, decodeSafetensors, encodeSafetensors, type NamedTensor } from './util/safetensors.ts';
