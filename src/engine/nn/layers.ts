import type { Device } from '../gpu/device.ts';
import { aBoolean, aNumber, aWholeNumber, optional, type Rule } from '../ops/arguments.ts';
import { conv2d, convTranspose2d } from '../ops/conv/conv2d.ts';
import {
  CONV_OPTIONS,
  type Conv2dActivation,
  type Conv2dOptions,
  type ConvTranspose2dOptions,
  TRANSPOSED_OPTIONS,
} from '../ops/conv/options.ts';
import { leakyRelu } from '../ops/elementwise/activations.ts';
import { add, scale } from '../ops/elementwise/arithmetic.ts';
import { batchNorm } from '../ops/norm/batch_norm.ts';
import { instanceNorm } from '../ops/norm/instance_norm.ts';
import { aPair, type Pair, pairOf } from '../ops/pair.ts';
import { type DropoutOptions, dropout } from '../ops/random/dropout.ts';
import { Rng } from '../ops/random/rng.ts';
import type { Ranks } from '../ops/ranks/ranks.ts';
import { reshape } from '../ops/shape/reshape.ts';
import { Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';
import { aDevice, aSeed, checkLayer } from './arguments.ts';
import { Fresh } from './init/fresh.ts';
import { buffer, Module, parameter } from './module.ts';

export interface LayerOptions {
  /** Seeds the initial values of this layer alone. By default they follow from the device's seed. */
  seed?: number;
}

export interface ConvOptions extends LayerOptions, Conv2dOptions {
  bias?: boolean;
}

export interface ActivatedConvOptions extends ConvOptions, Conv2dActivation {}

export interface ConvTransposeOptions extends LayerOptions, ConvTranspose2dOptions {
  bias?: boolean;
}

/**
 * 2-D convolution; `weight` is (cout, cin / groups, k, k). Weight and bias start uniform in ±1/√fan_in, as in PyTorch
 * (`kaiming_uniform(a=√5)`).
 */
export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** Inputs that one output sums over: cin / groups · k². */
  readonly fanIn: number;
  readonly options: Conv2dOptions & Conv2dActivation;

  /** @param kernel one side for both, or [height, width] */
  constructor(device: Device, cin: number, cout: number, kernel: Pair, options: ActivatedConvOptions = {}) {
    super();
    checkConv('Conv2d', { device, cin, cout, kernel, options }, CONV_OPTIONS);
    const { seed, bias = true, ...rest } = options;
    const [each, height, width] = weightSides('Conv2d', cin, kernel, rest.groups);
    this.fanIn = each * height * width;
    this.options = rest;
    const fresh = new Fresh(device, seed);
    const bound = 1 / Math.sqrt(this.fanIn);
    this.weight = parameter(fresh.uniform([cout, each, height, width], 'weight', bound));
    if (bias) this.bias = parameter(fresh.uniform([cout], 'bias', bound));
  }

  /** (N, cin, H, W) → (N, cout, H', W'). */
  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.options);
  }
}

/** 2-D transposed convolution; `weight` is (cin, cout / groups, k, k), as in PyTorch. */
export class ConvTranspose2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** Fan-in as PyTorch's default initialisation computes it: cout / groups · k². */
  readonly fanIn: number;
  readonly options: ConvTranspose2dOptions;

  /** @param kernel one side for both, or [height, width] */
  constructor(device: Device, cin: number, cout: number, kernel: Pair, options: ConvTransposeOptions = {}) {
    super();
    checkConv('ConvTranspose2d', { device, cin, cout, kernel, options }, TRANSPOSED_OPTIONS);
    const { seed, bias = true, ...rest } = options;
    const [each, height, width] = weightSides('ConvTranspose2d', cout, kernel, rest.groups);
    this.fanIn = each * height * width;
    this.options = rest;
    const fresh = new Fresh(device, seed);
    const bound = 1 / Math.sqrt(this.fanIn);
    this.weight = parameter(fresh.uniform([cin, each, height, width], 'weight', bound));
    if (bias) this.bias = parameter(fresh.uniform([cout], 'bias', bound));
  }

  /** (N, cin, H, W) → (N, cout, (H−1)·stride − 2·padding + k + outputPadding, …). */
  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options);
  }
}

function checkConv(
  layer: string,
  { device, cin, cout, kernel, options }: Record<'device' | 'cin' | 'cout' | 'kernel' | 'options', unknown>,
  rules: Readonly<Record<string, Rule>>,
): void {
  const count = aWholeNumber(1);
  const sides = {
    device: [device, aDevice],
    cin: [cin, count],
    cout: [cout, count],
    kernel: [kernel, aPair(count)],
  } as const;
  checkLayer(layer, sides, [options], { ...rules, bias: optional(aBoolean), seed: aSeed });
}

/** Sides of a weight whose channels are grouped: channels of one group, height and width of the kernel. */
function weightSides(layer: string, channels: number, kernel: Pair, groups = 1): [number, number, number] {
  if (!Number.isInteger(channels / groups)) {
    throw new PixtapeError(`${layer}: ${channels} channels are not a multiple of groups ${groups}`);
  }
  const [height, width] = pairOf(kernel);
  return [channels / groups, height, width];
}

/** Batch norm of each channel over N, H and W, with running statistics for evaluation (eps 1e-5, momentum 0.1). */
export class BatchNorm2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  /** Batches that the running statistics have seen: one u32. */
  readonly numBatchesTracked: Tensor;
  /**
   * In evaluation mode, normalise each picture by its own statistics instead of the running ones, as a batch of one.
   */
  perPicture = false;
  /** The ranks over whose batches training statistics are taken; undefined for this process alone. */
  ranks: Ranks | undefined;

  constructor(device: Device, channels: number, ...none: never[]) {
    super();
    checkLayer('BatchNorm2d', { device: [device, aDevice], channels: [channels, aWholeNumber(1)] }, none);
    const ones = (label: string) => Tensor.lazy(device, [channels], label, () => new Float32Array(channels).fill(1));
    this.weight = parameter(ones('weight'));
    this.bias = parameter(Tensor.zeros(device, [channels], 'bias'));
    this.runningMean = buffer(Tensor.zeros(device, [channels], 'running_mean'));
    this.runningVar = buffer(ones('running_var'));
    this.numBatchesTracked = buffer(Tensor.zeros(device, [1], 'num_batches_tracked', 'u32'), 'counter');
  }

  /**
   * (N, channels, …) → the same shape.
   * @param slope of a leaky ReLU on the result, in the same pass; 1 for none
   * @param dropout a layer after the leaky ReLU
   */
  forward(x: Tensor, slope = 1, dropout?: Dropout): Tensor {
    const { weight, bias, runningMean, runningVar, numBatchesTracked, training, ranks } = this;
    if (this.perPicture && !training) {
      const y = normalisedPerPicture(x, weight, bias);
      const activated = slope === 1 ? y : leakyRelu(y, slope);
      return dropout ? dropout.forward(activated) : activated;
    }
    const options = { training, slope, ranks, dropout: dropout?.options };
    return batchNorm(x, weight, bias, runningMean, runningVar, numBatchesTracked, options);
  }
}

/** Normalises each picture by its own statistics. In planes of one pixel only the bias is left. */
function normalisedPerPicture(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const [, channels = 1, ...sides] = x.shape;
  if (sides.some((side) => side > 1)) return instanceNorm(x, weight, bias);
  return add(scale(x, 0), reshape(bias, [1, channels, ...sides.map(() => 1)]));
}

const RATE: Rule = {
  wanted: 'a number from 0 to below 1',
  fits: (value) => aNumber({ least: 0 }).fits(value) && Number(value) < 1,
};
const anRng: Rule = { wanted: 'an Rng', fits: (value) => value instanceof Rng };

/** Element-wise dropout in training mode; the identity in evaluation mode. */
export class Dropout extends Module {
  private readonly rate: number;
  private readonly rng: Rng | undefined;

  /** @param rng by default the one that all layers of the device share */
  constructor(rate: number, rng?: Rng, ...none: never[]) {
    super();
    checkLayer('Dropout', { rate: [rate, RATE], rng: [rng, optional(anRng)] }, none);
    this.rate = rate;
    this.rng = rng;
  }

  /** Options for an operation that does the dropout in the same pass; undefined in evaluation mode. */
  get options(): DropoutOptions | undefined {
    return this.training ? { rate: this.rate, rng: this.rng } : undefined;
  }

  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.rate, this.rng) : x;
  }
}
