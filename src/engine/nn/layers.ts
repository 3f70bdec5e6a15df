import type { Device } from '../gpu/device.ts';
import { conv2d, convTranspose2d } from '../ops/conv/conv2d.ts';
import { batchNorm } from '../ops/norm/batch_norm.ts';
import { dropout } from '../ops/random/dropout.ts';
import type { Rng } from '../ops/random/rng.ts';
import { Tensor } from '../tape/tensor.ts';
import { Module } from './module.ts';

export interface ConvOptions {
  stride?: number;
  padding?: number;
  bias?: boolean;
}

export interface ActivatedConvOptions extends ConvOptions {
  /** A leaky ReLU of this slope on the result, in the same pass. */
  slope?: number;
}

/** 2-D convolution with a square kernel; `weight` is (cout, cin, k, k), as in PyTorch. */
export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** Inputs that one output sums over: cin · k². */
  readonly fanIn: number;
  readonly options: ActivatedConvOptions;

  constructor(device: Device, cin: number, cout: number, kernel: number, options: ActivatedConvOptions = {}) {
    super();
    this.weight = this.parameter('weight', Tensor.zeros(device, [cout, cin, kernel, kernel], 'weight'));
    if (options.bias ?? true) this.bias = this.parameter('bias', Tensor.zeros(device, [cout], 'bias'));
    this.fanIn = cin * kernel * kernel;
    this.options = options;
  }

  /** (N, cin, H, W) → (N, cout, H', W'). */
  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.options);
  }
}

/** 2-D transposed convolution with a square kernel; `weight` is (cin, cout, k, k), as in PyTorch. */
export class ConvTranspose2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** As PyTorch reckons it for its default initialisation: cout · k². */
  readonly fanIn: number;
  readonly options: ConvOptions & { outputPadding?: number };

  constructor(
    device: Device,
    cin: number,
    cout: number,
    kernel: number,
    options: ConvOptions & { outputPadding?: number } = {},
  ) {
    super();
    this.weight = this.parameter('weight', Tensor.zeros(device, [cin, cout, kernel, kernel], 'weight'));
    if (options.bias ?? true) this.bias = this.parameter('bias', Tensor.zeros(device, [cout], 'bias'));
    this.fanIn = cout * kernel * kernel;
    this.options = options;
  }

  /** (N, cin, H, W) → (N, cout, (H−1)·stride − 2·padding + k + outputPadding, …). */
  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options);
  }
}

/** Batch norm over N, H and W of each channel, with running statistics for evaluation (eps 1e-5, momentum 0.1). */
export class BatchNorm2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly batchesTracked: Tensor;

  constructor(device: Device, channels: number) {
    super();
    this.weight = this.parameter('weight', Tensor.from(device, [channels], ones(channels), 'weight'));
    this.bias = this.parameter('bias', Tensor.zeros(device, [channels], 'bias'));
    this.runningMean = this.buffer('running_mean', Tensor.zeros(device, [channels], 'running_mean'));
    this.runningVar = this.buffer('running_var', Tensor.from(device, [channels], ones(channels), 'running_var'));
    this.batchesTracked = this.buffer(
      'num_batches_tracked',
      Tensor.zeros(device, [1], 'num_batches_tracked'),
      'counter',
    );
  }

  /** Any (N, channels, …). @param slope of a leaky ReLU on the result, in the same pass; 1 for none */
  forward(x: Tensor, slope = 1): Tensor {
    const { weight, bias, runningMean, runningVar, batchesTracked, training } = this;
    return batchNorm(x, weight, bias, runningMean, runningVar, batchesTracked, { training, slope });
  }
}

/** Element-wise dropout in training mode, nothing in evaluation mode. */
export class Dropout extends Module {
  private readonly rate: number;
  private readonly rng: Rng;

  constructor(rate: number, rng: Rng) {
    super();
    this.rate = rate;
    this.rng = rng;
  }

  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.rate, this.rng) : x;
  }
}

function ones(n: number): Float32Array {
  return new Float32Array(n).fill(1);
}
