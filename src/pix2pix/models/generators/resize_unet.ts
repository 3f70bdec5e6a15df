import type { Device } from '../../../engine/gpu/device.ts';
import { Conv2d, Dropout } from '../../../engine/nn/layers.ts';
import { Module } from '../../../engine/nn/module.ts';
import { createNorm, type Norm, type NormKind } from '../../../engine/nn/norm.ts';
import { tanh } from '../../../engine/ops/elementwise/activations.ts';
import type { Rng } from '../../../engine/ops/random/rng.ts';
import { upsampleBilinear } from '../../../engine/ops/resample/upsample_bilinear.ts';
import { concat } from '../../../engine/ops/shape/concat.ts';
import { checkpoint, runDirectly } from '../../../engine/tape/autograd.ts';
import type { Tensor } from '../../../engine/tape/tensor.ts';
import { checkSides, type PictureRange, type SidesOf } from './config.ts';
import { SLOPE } from './unet.ts';

export interface ResizeUnetConfig {
  inChannels: number;
  outChannels: number;
  /** Channels of the first level (ngf); the levels have 1, 2, 4, 4, … times as many. */
  hidden: number;
  /** Halvings on the way down: 5 for resize_unet_32. */
  depth: number;
  /** Dropout rate in the three deepest levels of the way up. 0 for none. */
  dropout: number;
  norm: NormKind;
}

/** How often the width doubles; all levels below keep it. */
const MOST_DOUBLINGS = 2;
/** Levels with dropout. */
const DROPPING = 3;

interface StageOptions {
  input: number;
  output: number;
  kernel: number;
  stride?: number;
  /** Of the leaky ReLU after it; 0 for a ReLU. */
  slope: number;
  norm: NormKind;
}

/** Convolution, norm (or none) and leaky ReLU. (N, input, H, W) → (N, output, H / stride, W / stride). */
export class ConvStage extends Module {
  readonly conv: Conv2d;
  readonly norm: Norm | undefined;
  readonly slope: number;

  constructor(device: Device, { input, output, kernel, stride = 1, slope, norm }: StageOptions) {
    super();
    this.slope = slope;
    this.norm = createNorm(device, norm, output);
    // A norm cancels a bias. Without one, the activation is fused with the convolution.
    const rest = this.norm ? { bias: false } : { slope };
    this.conv = new Conv2d(device, input, output, kernel, { stride, padding: 1, ...rest });
  }

  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    return this.norm ? this.norm.forward(y, this.slope) : y;
  }
}

/**
 * A U-Net that enlarges by resizing: (N, in, H, W) in [−1, 1] → (N, out, H, W) in (−1, 1), sides multiples of 2^depth.
 * Transposed convolutions weave a pattern into even areas until they have learnt not to; bilinear interpolation cannot.
 * It convolves before it enlarges, with a quarter of the multiplications that it would take afterwards. The last skip
 * connection is the condition itself, so lines need not be redrawn.
 *
 * Down, per level: convolution 4 × 4 of stride 2, norm (not in the first and deepest), leaky ReLU.
 * Up, per level: convolution 3 × 3, norm (not in the deepest), ReLU, dropout, twice the size, skip.
 * At full size: convolution 3 × 3, norm, ReLU, convolution 3 × 3, tanh.
 *
 * Sources: Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts"; Ronneberger et al. 2015, "U-Net".
 */
export class ResizeUnetGenerator extends Module {
  readonly config: ResizeUnetConfig;
  readonly range: PictureRange = 'symmetric';
  readonly unit: number;
  readonly down: ConvStage[];
  /** In the order of `down`: the deepest is the last. */
  readonly up: ConvStage[];
  readonly full: ConvStage;
  readonly last: Conv2d;
  private readonly dropout: Dropout | undefined;
  recompute = false;

  constructor(device: Device, config: ResizeUnetConfig, rng: Rng) {
    super();
    const { inChannels, outChannels, hidden, depth, dropout, norm } = config;
    this.config = config;
    this.unit = 2 ** depth;
    const width = (level: number) => hidden * 2 ** Math.min(level, MOST_DOUBLINGS);
    const levels = Array.from({ length: depth }, (_, level) => level);
    const deepest = depth - 1;
    // In the smallest picture the deepest level has one pixel, of which a norm would leave nothing.
    this.down = levels.map((level) => {
      const sides = { input: level === 0 ? inChannels : width(level - 1), output: width(level), kernel: 4, stride: 2 };
      const normed = level > 0 && level < deepest;
      return new ConvStage(device, { ...sides, slope: SLOPE, norm: normed ? norm : 'none' });
    });
    this.up = levels.map((level) => {
      const input = level < deepest ? 2 * width(level) : width(level);
      const sides = { input, output: width(Math.max(level - 1, 0)), kernel: 3 };
      return new ConvStage(device, { ...sides, slope: 0, norm: level < deepest ? norm : 'none' });
    });
    this.full = new ConvStage(device, { input: hidden + inChannels, output: hidden, kernel: 3, slope: 0, norm });
    this.last = new Conv2d(device, hidden, outChannels, 3, { padding: 1 });
    if (dropout > 0) this.dropout = new Dropout(dropout, rng);
  }

  /** @throws PixtapeError if a side of the picture is not a multiple of 2^depth */
  forward(condition: Tensor): Tensor {
    const [, , height = 0, width = 0] = condition.shape;
    checkSides(width, height, resizeUnetSides(this.config.depth));
    const part = this.recompute ? checkpoint : runDirectly;
    const skips = [condition];
    let x = condition;
    for (const stage of this.down) {
      x = part([x], ([input]) => stage.forward(input as Tensor));
      skips.push(x);
    }
    for (let level = this.up.length - 1; level >= 0; level--) {
      const skip = skips[level] as Tensor;
      x = part([x, skip], ([inner, beside]) => this.enlarge(level, inner as Tensor, beside as Tensor));
    }
    return tanh(this.last.forward(part([x], ([input]) => this.full.forward(input as Tensor))));
  }

  /** One level up: (N, c, H, W) and a skip of twice the sides → both, concatenated. */
  private enlarge(level: number, x: Tensor, skip: Tensor): Tensor {
    const y = (this.up[level] as ConvStage).forward(x);
    const dropped = this.dropout && level >= this.up.length - DROPPING ? this.dropout.forward(y) : y;
    const [, , height = 0, width = 0] = skip.shape;
    return concat([upsampleBilinear(dropped, height, width, false), skip]);
  }
}

/** The sides that a resize U-Net takes. */
export const resizeUnetSides = (depth: number): SidesOf => ({
  unit: 2 ** depth,
  network: resizeUnetName(depth),
  instead: 'another --netG',
});

/** The network's name, as --netG takes it. */
export const resizeUnetName = (depth: number): string => `resize_unet_${2 ** depth}`;
