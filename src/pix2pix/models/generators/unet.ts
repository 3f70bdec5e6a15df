import type { Device } from '../../../engine/gpu/device.ts';
import { Conv2d, ConvTranspose2d, Dropout } from '../../../engine/nn/layers.ts';
import { Module } from '../../../engine/nn/module.ts';
import { createNorm, type Norm, type NormKind } from '../../../engine/nn/norm.ts';
import { relu, tanh } from '../../../engine/ops/elementwise/activations.ts';
import type { Rng } from '../../../engine/ops/random/rng.ts';
import { concat } from '../../../engine/ops/shape/concat.ts';
import { checkpoint, runDirectly } from '../../../engine/tape/autograd.ts';
import type { Tensor } from '../../../engine/tape/tensor.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { checkSides, type PictureRange, type SidesOf } from './config.ts';

/**
 * Indices of a block's layers in PyTorch's Sequential. Layers without weights (leaky ReLU, ReLU, tanh) take the indices
 * between. NaN if a block has no such layer.
 */
const none = Number.NaN;
const OUTERMOST = { downConv: 0, downNorm: none, below: 1, upConv: 3, upNorm: none, dropout: none };
const BETWEEN = { downConv: 1, downNorm: 2, below: 3, upConv: 5, upNorm: 6, dropout: 7 };
const INNERMOST = { downConv: 1, downNorm: none, below: none, upConv: 3, upNorm: 4, dropout: none };

/** Slope of the leaky ReLUs on the way down. */
export const SLOPE = 0.2;
/** How often the width doubles; all levels below keep it. */
const MOST_DOUBLINGS = 3;
/** The fewest levels: down to the first of full width. */
export const LEAST_DOWNS = 5;

export interface UnetConfig {
  inChannels: number;
  outChannels: number;
  /** Channels of the first level (ngf); the levels have 1, 2, 4, 8, 8, … times as many. */
  hidden: number;
  /** Halvings on the way down, 5 or more: 8 for unet_256, 7 for unet_128. */
  depth: number;
  /** Dropout rate in the blocks of full width on both sides, except the innermost: three in unet_256. 0 for none. */
  dropout: number;
  norm: NormKind;
  /** False cuts all skip connections, which leaves an encoder and a decoder. Default true. */
  skips?: boolean;
}

interface BlockOptions {
  /** Channels of the input (which, except outermost, a skip concatenates to the output), and of the level below. */
  input: number;
  inner: number;
  /** Channels of the way up's output. */
  output: number;
  /** The block below; the innermost has none. */
  below: UnetBlock | undefined;
  outermost: boolean;
  skips: boolean;
  dropout: number;
  norm: NormKind;
  rng: Rng;
}

/**
 * One level: halves the sides, runs the levels below, doubles the sides. (c, H, W) → (2c, H, W), the input
 * concatenated with the result; the outermost, and any without a skip, returns only the result.
 *
 * Order and numbers of the layers are those of the PyTorch implementation. There, the leaky ReLU at the start of a
 * block works in place, so the skip connection carries its output. Here the layer above has already applied it.
 */
export class UnetBlock extends Module {
  /** The modules below, at their indices in PyTorch's nn.Sequential. */
  private readonly model: Module[];
  readonly outermost: boolean;
  /** Whether the input is concatenated to the result. */
  readonly skips: boolean;
  readonly #at: typeof BETWEEN;
  recompute = false;

  constructor(device: Device, { input, inner, output, below, outermost, skips, dropout, norm, rng }: BlockOptions) {
    super();
    this.outermost = outermost;
    this.skips = skips && !outermost;
    // Batch norm would cancel a bias. So would instance norm, but the PyTorch implementation adds a bias there, and
    // none without norm.
    const bias = norm === 'instance';
    const downNorm = outermost || !below ? undefined : createNorm(device, norm, inner);
    const upNorm = outermost ? undefined : createNorm(device, norm, output);
    // An activation right after the convolution is fused with it: ReLU where the way up begins, leaky ReLU for the
    // level below.
    const activation = downNorm ? {} : { slope: below ? SLOPE : 0 };

    const at = outermost ? OUTERMOST : below ? BETWEEN : INNERMOST;
    const conv = { stride: 2, padding: 1 };
    const wide = below?.skips ? 2 * inner : inner;
    this.#at = at;
    this.model = [];
    this.model[at.downConv] = new Conv2d(device, input, inner, 4, { ...conv, bias, ...activation });
    if (downNorm) this.model[at.downNorm] = downNorm;
    if (below) this.model[at.below] = below;
    this.model[at.upConv] = new ConvTranspose2d(device, wide, output, 4, { ...conv, bias: bias || outermost });
    if (upNorm) this.model[at.upNorm] = upNorm;
    if (dropout > 0) this.model[at.dropout] = new Dropout(dropout, rng);
  }

  get downConv(): Conv2d {
    return this.model[this.#at.downConv] as Conv2d;
  }

  get downNorm(): Norm | undefined {
    return this.model[this.#at.downNorm] as Norm | undefined;
  }

  get below(): UnetBlock | undefined {
    return this.model[this.#at.below] as UnetBlock | undefined;
  }

  get upConv(): ConvTranspose2d {
    return this.model[this.#at.upConv] as ConvTranspose2d;
  }

  get upNorm(): Norm | undefined {
    return this.model[this.#at.upNorm] as Norm | undefined;
  }

  get dropout(): Dropout | undefined {
    return this.model[this.#at.dropout] as Dropout | undefined;
  }

  /** @param x the input, to which the leaky ReLU has been applied, except for the outermost block */
  forward(x: Tensor): Tensor {
    const part = this.recompute ? checkpoint : runDirectly;
    const down = part([x], ([input]) => this.down(input as Tensor));
    const inner = this.below ? this.below.forward(down) : down;
    const up = part([inner], ([input]) => this.up(input as Tensor));
    return this.skips ? concat([x, up]) : up;
  }

  /** Includes the activation with which the level below begins in the paper's order. */
  private down(x: Tensor): Tensor {
    const y = this.downConv.forward(x);
    return this.downNorm ? this.downNorm.forward(y, SLOPE) : y;
  }

  private up(inner: Tensor): Tensor {
    const y = this.upConv.forward(this.below ? relu(inner) : inner);
    if (this.outermost) return tanh(y);
    const normed = this.upNorm ? this.upNorm.forward(y) : y;
    return this.dropout ? this.dropout.forward(normed) : normed;
  }
}

/**
 * The paper's U-Net: (N, in, H, W) in [−1, 1] → (N, out, H, W) in (−1, 1), sides multiples of 2^depth. Names and
 * numbers of its layers are those of the widely used PyTorch implementation, so that its checkpoints load by name.
 * unet_256 with 64 channels has 54,413,955 parameters. Without skips it is the paper's encoder–decoder, "created simply
 * by severing the skip connections in the U-Net".
 * Source: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks", sections 4.3 and 6.1.1.
 */
export class UnetGenerator extends Module {
  readonly config: UnetConfig;
  readonly range: PictureRange = 'symmetric';
  readonly unit: number;
  /** The outermost level; the others are `below` one another. */
  readonly model: UnetBlock;
  recompute = false;

  /** @throws PixtapeError if there are fewer than 5 levels */
  constructor(device: Device, config: UnetConfig, rng: Rng) {
    super();
    const { inChannels, outChannels, hidden, depth, dropout, norm, skips = true } = config;
    if (depth < LEAST_DOWNS) {
      throw new PixtapeError(
        `${skips ? 'a U-Net' : 'an encoder–decoder'} of ${depth} levels: it has ${LEAST_DOWNS} at least`,
        `Use ${unetName({ depth: LEAST_DOWNS, skips })} or larger.`,
      );
    }
    this.config = config;
    this.unit = 2 ** depth;
    const width = (level: number) => hidden * 2 ** Math.min(level, MOST_DOUBLINGS);
    let below: UnetBlock | undefined;
    for (let level = depth - 1; level > 0; level--) {
      const channels = width(level - 1);
      // Blocks of full width on both sides, except the innermost.
      const drops = below !== undefined && level - 1 >= MOST_DOUBLINGS;
      const sides = { input: channels, inner: width(level), output: channels, outermost: false };
      below = new UnetBlock(device, { ...sides, below, skips, dropout: drops ? dropout : 0, norm, rng });
    }
    const ends = { input: inChannels, inner: hidden, output: outChannels, outermost: true };
    this.model = new UnetBlock(device, { ...ends, below, skips, dropout: 0, norm, rng });
  }

  /** @throws PixtapeError if a side of the picture is not a multiple of 2^depth */
  forward(condition: Tensor): Tensor {
    const [, , height = 0, width = 0] = condition.shape;
    checkSides(width, height, unetSides(this.config));
    for (const [, part] of this.modules()) if (part instanceof UnetBlock) part.recompute = this.recompute;
    return this.model.forward(condition);
  }
}

type Kind = Pick<UnetConfig, 'depth' | 'skips'>;

/** The network's name, as --netG takes it. */
export const unetName = ({ depth, skips = true }: Kind): string =>
  `${skips ? 'unet' : 'encoder_decoder'}_${2 ** depth}`;

/** The sides that a U-Net takes. */
export const unetSides = (config: Kind): SidesOf => ({
  unit: 2 ** config.depth,
  network: unetName(config),
  instead: 'another --netG',
});
