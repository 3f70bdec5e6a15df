/**
 * The engine alone: a device, recorded programs, operations with gradients, modules and optimisers. It needs neither Node
 * nor a browser, only a WebGPU adapter, and knows nothing of Pix2Pix:
 *
 *     import { Device, record } from 'pixtape/engine';
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

// The device, recorded programs, and what a custom operation needs: a kernel and its dispatch.
export { type Capabilities, Device, type DeviceOptions } from './gpu/device.ts';
export type { MemoryPlan } from './gpu/memory/plan.ts';
export type { DispatchTiming, Profile } from './gpu/profile.ts';
export type { Program, Workgroups } from './gpu/program.ts';
export type { Kernel } from './gpu/shader/kernel.ts';
export type { MatrixUnit } from './gpu/shader/matrix_unit.ts';
export type { ShaderConstants, ShaderInterface } from './gpu/shader/wgsl.ts';
export type { Bindable, Dtype, Precision, Storage, StorageSlice } from './gpu/storage.ts';
export { ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh } from './nn/activations.ts';
export { type InitOptions, initWeights } from './nn/init/init.ts';
export {
  type ActivatedConvOptions,
  BatchNorm2d,
  Conv2d,
  type ConvOptions,
  ConvTranspose2d,
  Dropout,
} from './nn/layers.ts';
export { Embedding, Flatten, Linear, type LinearOptions } from './nn/linear.ts';
export { buffer, Module, parameter, type StateEntry } from './nn/module.ts';
export { createNorm, GroupNorm, InstanceNorm2d, LayerNorm, type Norm, type NormKind } from './nn/norm.ts';
// Modules, initial weights, optimisers and learning rates.
export { Adam, type AdamOptions, AdamW } from './nn/optim/adam.ts';
export { type AverageOptions, WeightAverage } from './nn/optim/average.ts';
export { clipGradNorm } from './nn/optim/clip.ts';
export type { LossScale } from './nn/optim/loss_scale.ts';
export { type KeptState, type LearningRate, Optimizer, type OptimizerOptions } from './nn/optim/optimizer.ts';
export { RMSprop, type RmsPropOptions } from './nn/optim/rmsprop.ts';
export {
  cosine,
  linearDecay,
  Plateau,
  type PlateauOptions,
  type PlateauState,
  type Schedule,
  stepDecay,
  warmup,
} from './nn/optim/schedules.ts';
export { SGD, type SgdOptions } from './nn/optim/sgd.ts';
export { AvgPool2d, GlobalAvgPool, MaxPool2d } from './nn/pooling.ts';
export { type Layer, Sequential } from './nn/sequential.ts';
export type { LoadOptions, LoadResult } from './nn/state.ts';
export type { Axes } from './ops/axes.ts';
export { type Conv1dOptions, type ConvTranspose1dOptions, conv1d, convTranspose1d } from './ops/conv/conv1d.ts';
export { conv2d, convTranspose2d } from './ops/conv/conv2d.ts';
export type { Conv2dActivation, Conv2dOptions, ConvTranspose2dOptions } from './ops/conv/options.ts';
export { ConvTuning, convTuning } from './ops/conv/tuning/tuning.ts';
// Operations: pictures are NCHW, values float32.
export { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from './ops/elementwise/activations.ts';
export { add, div, maximum, minimum, mul, neg, pow, scale, sub } from './ops/elementwise/arithmetic.ts';
export { eq, ge, gt, le, lt, ne, where } from './ops/elementwise/compare.ts';
export { abs, clamp, cos, exp, log, rsqrt, sin, sqrt } from './ops/elementwise/functions.ts';
export { binary, unary } from './ops/elementwise/operation.ts';
export { cast } from './ops/lookup/cast.ts';
export { embedding } from './ops/lookup/embedding.ts';
export { gather, oneHot } from './ops/lookup/gather.ts';
export { crossEntropy } from './ops/loss/cross_entropy.ts';
export { bceWithLogits, l1Loss, mseLoss } from './ops/loss/losses.ts';
export { hingeLoss, klDivLoss, normalDivergence, smoothL1Loss, wassersteinLoss } from './ops/loss/more_losses.ts';
export { ssimLoss } from './ops/loss/ssim.ts';
export { type MatmulOptions, matmul } from './ops/matmul/matmul.ts';
export { type BatchNormOptions, batchNorm } from './ops/norm/batch_norm.ts';
export type { NormOptions } from './ops/norm/check.ts';
export { groupNorm } from './ops/norm/group_norm.ts';
export { instanceNorm } from './ops/norm/instance_norm.ts';
export { layerNorm } from './ops/norm/layer_norm.ts';
export type { Pair } from './ops/pair.ts';
export { dropout } from './ops/random/dropout.ts';
export { rand, randn } from './ops/random/random.ts';
export { Rng } from './ops/random/rng.ts';
export { cumsum } from './ops/reduce/cumsum.ts';
export { amax, amin, argmax, argmin } from './ops/reduce/extremes.ts';
export { norm, std, type VarianceOptions, variance } from './ops/reduce/moments.ts';
export { mean, type ReduceOptions, sum } from './ops/reduce/reduce.ts';
export { logSoftmax, softmax } from './ops/reduce/softmax.ts';
export { type AvgPoolOptions, adaptiveAvgPool2d, avgPool2d, globalAvgPool } from './ops/resample/avg_pool.ts';
export { maxPool2d } from './ops/resample/max_pool.ts';
export { upsampleBicubic } from './ops/resample/upsample_bicubic.ts';
export { upsampleBilinear } from './ops/resample/upsample_bilinear.ts';
export { upsampleNearest } from './ops/resample/upsample_nearest.ts';
export { pixelShuffle, pixelUnshuffle } from './ops/shape/blocks/pixel_shuffle.ts';
export { centerCrop } from './ops/shape/center_crop.ts';
export { concat, concatCropped, stack } from './ops/shape/concat.ts';
export { expand } from './ops/shape/expand.ts';
export { type PadMode, pad } from './ops/shape/pad.ts';
export { permute, transpose, transpose2d } from './ops/shape/permute.ts';
export { flatten, reshape, squeeze, unsqueeze } from './ops/shape/reshape.ts';
export { type AxisRange, slice, split } from './ops/shape/slice.ts';
// Tensors, recording and differentiation.
export { backward, checkpoint, differentiable, type GradOptions, grad, noGrad } from './tape/autograd.ts';
export { dispatch, dispatchElements } from './tape/dispatch.ts';
export { Recorded, type RecordOptions, record, run } from './tape/record.ts';
export { type Backward, type Shape, type StateKind, Tensor, type Values } from './tape/tensor.ts';
// Files as bytes, errors, random numbers.
export { type ErrorCode, type ErrorInfo, PixtapeError } from './util/errors.ts';
export { RandomStream } from './util/random.ts';
export { type DType, decodeSafetensors, encodeSafetensors, type NamedTensor } from './util/safetensors.ts';
