import type { Device } from '../../../engine/gpu/device.ts';
import { Conv2d, ConvTranspose2d, Dropout } from '../../../engine/nn/layers.ts';
import { Module } from '../../../engine/nn/module.ts';
import { createNorm, type Norm, type NormKind } from '../../../engine/nn/norm.ts';
import { relu, tanh } from '../../../engine/ops/elementwise/activations.ts';
import { add } from '../../../engine/ops/elementwise/arithmetic.ts';
import type { Rng } from '../../../engine/ops/random/rng.ts';
import { pad } from '../../../engine/ops/shape/pad.ts';
import { checkpoint, runDirectly } from '../../../engine/tape/autograd.ts';
import type { Tensor } from '../../../engine/tape/tensor.ts';
import { checkSides, type PictureRange, type SidesOf } from './config.ts';

export interface ResnetConfig {
  inChannels: number;
  outChannels: number;
  /** Channels of the first level (ngf); the blocks have four times as many. */
  hidden: number;
  /** Residual blocks: 6 for pictures of 128, 9 for 256. */
  depth: number;
  /** Rate of dropout in the blocks, 0 for none. */
  dropout: number;
  norm: NormKind;
}

/** Padding of a 7 × 7 kernel and of a 3 × 3 kernel. */
const REACH_7 = [3, 3, 3, 3];
const REACH_3 = [1, 1, 1, 1];
/** Indices in PyTorch's nn.Sequential. Norm, ReLU and padding take one each, with or without weights. */
const FIRST = 1;
const DOWN = [4, 7] as const;
const BLOCKS = 10;

/** A norm, or nothing, and a ReLU. */
const finish = (norm: Norm | undefined, x: Tensor): Tensor => (norm ? norm.forward(x, 0) : relu(x));

/** Two 3 × 3 convolutions with reflection padding, added to their input. */
export class ResnetBlock extends Module {
  /** The modules at their indices in PyTorch's nn.Sequential. */
  private readonly convBlock: Module[];
  /** Index of the second convolution; dropout moves it by one. */
  readonly #second: number;

  constructor(device: Device, channels: number, { dropout, norm }: ResnetConfig, rng: Rng) {
    super();
    // As in the PyTorch code: instance norm comes with a bias although it cancels it; without a norm there is none
    // either.
    const bias = norm === 'instance';
    this.#second = dropout > 0 ? 6 : 5;
    this.convBlock = [];
    for (const place of [1, this.#second]) {
      this.convBlock[place] = new Conv2d(device, channels, channels, 3, { bias });
      const after = createNorm(device, norm, channels);
      if (after) this.convBlock[place + 1] = after;
    }
    if (dropout > 0) this.convBlock[4] = new Dropout(dropout, rng);
  }

  get parts() {
    const at = <M extends Module>(place: number) => this.convBlock[place] as M;
    const second = this.#second;
    return {
      conv1: at<Conv2d>(1),
      norm1: this.convBlock[2] as Norm | undefined,
      dropout: second === 6 ? at<Dropout>(4) : undefined,
      conv2: at<Conv2d>(second),
      norm2: this.convBlock[second + 1] as Norm | undefined,
    };
  }

  forward(x: Tensor): Tensor {
    const { conv1, norm1, dropout, conv2, norm2 } = this.parts;
    let y = finish(norm1, conv1.forward(pad(x, REACH_3, 'reflect')));
    if (dropout) y = dropout.forward(y);
    y = conv2.forward(pad(y, REACH_3, 'reflect'));
    return add(x, norm2 ? norm2.forward(y) : y);
  }
}

/**
 * The generator of CycleGAN: a 7 × 7 convolution, two of stride 2, residual blocks, two transposed ones, a 7 × 7
 * convolution and tanh; edges are reflected. Names and places are those of the widely used PyTorch implementation.
 * Sources: Johnson, Alahi & Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer"; Zhu et al. 2017, "Unpaired
 * Image-to-Image Translation using Cycle-Consistent Adversarial Networks".
 */
export class ResnetGenerator extends Module {
  readonly config: ResnetConfig;
  readonly range: PictureRange = 'symmetric';
  readonly unit = 4;
  readonly model: Module[];
  recompute = false;

  constructor(device: Device, config: ResnetConfig, rng: Rng) {
    super();
    this.config = config;
    const { inChannels, outChannels, hidden, depth, norm } = config;
    const bias = norm === 'instance';
    const model: Module[] = [];
    const place = (at: number, conv: Module, channels: number) => {
      model[at] = conv;
      const after = createNorm(device, norm, channels);
      if (after) model[at + 1] = after;
    };
    place(FIRST, new Conv2d(device, inChannels, hidden, 7, { bias }), hidden);
    DOWN.forEach((at, i) => {
      const channels = hidden * 2 ** (i + 1);
      place(at, new Conv2d(device, channels / 2, channels, 3, { stride: 2, padding: 1, bias }), channels);
    });
    for (let i = 0; i < depth; i++) model[BLOCKS + i] = new ResnetBlock(device, 4 * hidden, config, rng);
    const up = { stride: 2, padding: 1, outputPadding: 1, bias };
    this.ups.forEach((at, i) => {
      const channels = hidden * 2 ** (1 - i);
      place(at, new ConvTranspose2d(device, 2 * channels, channels, 3, up), channels);
    });
    model[this.lastPlace] = new Conv2d(device, hidden, outChannels, 7);
    this.model = model;
  }

  private get ups(): readonly number[] {
    return [BLOCKS + this.config.depth, BLOCKS + this.config.depth + 3];
  }

  private get lastPlace(): number {
    return BLOCKS + this.config.depth + 7;
  }

  /** The convolutions with their norms, and the blocks, in forward order. */
  get parts() {
    const stage = <C extends Module>(at: number) => ({
      conv: this.model[at] as C,
      norm: this.model[at + 1] as Norm | undefined,
    });
    return {
      first: stage<Conv2d>(FIRST),
      down: DOWN.map((at) => stage<Conv2d>(at)),
      blocks: this.model.slice(BLOCKS, BLOCKS + this.config.depth) as ResnetBlock[],
      up: this.ups.map((at) => stage<ConvTranspose2d>(at)),
      last: this.model[this.lastPlace] as Conv2d,
    };
  }

  /** @throws PixtapeError if a side of the picture is not a multiple of 4 */
  forward(condition: Tensor): Tensor {
    const [, , height = 0, width = 0] = condition.shape;
    checkSides(width, height, resnetSides(this.config.depth));
    const { first, down, blocks, up, last } = this.parts;
    const part = this.recompute ? checkpoint : runDirectly;
    let x = finish(first.norm, first.conv.forward(pad(condition, REACH_7, 'reflect')));
    for (const { conv, norm } of down) x = finish(norm, conv.forward(x));
    for (const block of blocks) x = part([x], ([input]) => block.forward(input as Tensor));
    for (const { conv, norm } of up) x = finish(norm, conv.forward(x));
    return tanh(last.forward(pad(x, REACH_7, 'reflect')));
  }
}

/** The sides that a ResNet generator takes. */
export const resnetSides = (depth: number): SidesOf => ({
  unit: 4,
  // Blocks reflect the edges at a quarter of the size, which needs two pixels.
  least: 8,
  network: `resnet_${depth}blocks`,
  instead: 'another --netG',
});
