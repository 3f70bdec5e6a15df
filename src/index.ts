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
 *     step.run();
 *     console.log(await step.outputs.read());
 */

// The device, recorded programs, and what an operation of one's own takes: a kernel and where to run it.
export { type Capabilities, Device, type DeviceOptions } from './engine/gpu/device.ts';
export type { DispatchTiming, Program, Workgroups } from './engine/gpu/program.ts';
export type { Kernel } from './engine/gpu/shader/kernel.ts';
export type { Bindable, Dtype, Precision, Storage, StorageSlice } from './engine/gpu/storage.ts';
export { type InitOptions, initWeights } from './engine/nn/init.ts';
export { BatchNorm2d, Conv2d, type ConvOptions, ConvTranspose2d, Dropout } from './engine/nn/layers.ts';
export { buffer, Module, parameter, type StateEntry } from './engine/nn/module.ts';
export { createNorm, InstanceNorm2d, type Norm, type NormKind } from './engine/nn/norm.ts';
// Modules, initial weights, and the optimiser.
export { Adam, type AdamOptions } from './engine/nn/optim/adam.ts';
export type { LossScale } from './engine/nn/optim/loss_scale.ts';
export { type Conv2dOptions, conv2d, convTranspose2d } from './engine/ops/conv/conv2d.ts';
export {
  elu,
  gelu,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from './engine/ops/elementwise/activations.ts';
// Operations: pictures are NCHW, values float32.
export { add, div, maximum, minimum, mul, neg, pow, scale, sub } from './engine/ops/elementwise/arithmetic.ts';
export { eq, ge, gt, le, lt, ne, where } from './engine/ops/elementwise/compare.ts';
export { abs, clamp, cos, exp, log, rsqrt, sin, sqrt } from './engine/ops/elementwise/functions.ts';
export { applyElementwise, binary, unary } from './engine/ops/elementwise/operation.ts';
export { bceWithLogits, l1Loss, mseLoss } from './engine/ops/loss/losses.ts';
export { ssimLoss } from './engine/ops/loss/ssim.ts';
export { batchNorm } from './engine/ops/norm/batch_norm.ts';
export { instanceNorm } from './engine/ops/norm/instance_norm.ts';
export { dropout } from './engine/ops/random/dropout.ts';
export { Rng } from './engine/ops/random/rng.ts';
export { mean, sum } from './engine/ops/reduce/reduce.ts';
export { maxPool2d } from './engine/ops/resample/max_pool.ts';
export { upsampleBilinear } from './engine/ops/resample/upsample.ts';
export { centerCrop } from './engine/ops/shape/center_crop.ts';
export { concat } from './engine/ops/shape/concat.ts';
export { permute, transpose2d } from './engine/ops/shape/permute.ts';
// Tensors, recording and differentiation.
export { backward, checkpoint, differentiable, type GradOptions, grad, noGrad } from './engine/tape/autograd.ts';
export { dispatch, dispatchElements } from './engine/tape/dispatch.ts';
export { Recorded, type RecordOptions, record, run } from './engine/tape/record.ts';
export { type Backward, type Shape, type StateKind, Tensor } from './engine/tape/tensor.ts';
// Files as bytes, errors, random numbers.
export { PixtapeError } from './engine/util/errors.ts';
export { RandomStream } from './engine/util/random.ts';
export { type DType, decodeSafetensors, encodeSafetensors, type NamedTensor } from './engine/util/safetensors.ts';
// The tutorial's networks, and the paper's.
export {
  BasicDiscriminator,
  type ConvDiscriminatorConfig,
  PixelDiscriminator,
} from './pix2pix/models/discriminators.ts';
export {
  checkSides,
  Generator,
  type GeneratorConfig,
  type PictureRange,
  TUTORIAL_GENERATOR,
} from './pix2pix/models/generator.ts';
export { createDiscriminator, createGenerator, type NetworksConfig } from './pix2pix/models/networks.ts';
export { PatchGAN, type PatchGanConfig } from './pix2pix/models/patch_gan.ts';
export type { Discriminator, PictureGenerator } from './pix2pix/models/registry/kind.ts';
export { type UnetConfig, UnetGenerator } from './pix2pix/models/unet.ts';
export {
  type CheckpointHeader,
  captureState,
  decodeHeader,
  encodeHeader,
  restoreGenerator,
  restoreState,
} from './pix2pix/train/checkpoint/state.ts';
// Pix2Pix: training it, painting with it, and what it takes.
export { learningRates, PRESETS, type PresetName, type TrainConfig } from './pix2pix/train/config/config.ts';
export { type GanLoss, type GanMode, ganLoss } from './pix2pix/train/config/gan_loss.ts';
export { estimatePainting, estimateTraining, type MemoryEstimate } from './pix2pix/train/memory/estimate.ts';
export { type Losses, Pix2Pix, type PrepareOptions, type StepOutputs } from './pix2pix/train/steps/pix2pix.ts';
export { Predictor, type PredictorOptions } from './pix2pix/train/steps/predictor.ts';
