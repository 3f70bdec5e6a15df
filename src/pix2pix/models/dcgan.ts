import type { Device } from '../../engine/gpu/device.ts';
import { BatchNorm2d, Conv2d, ConvTranspose2d } from '../../engine/nn/layers.ts';
import { Module } from '../../engine/nn/module.ts';
import { tanh } from '../../engine/ops/elementwise/activations.ts';
import { upsampleBilinear } from '../../engine/ops/resample/upsample_bilinear.ts';
import { concat } from '../../engine/ops/shape/concat.ts';
import type { Tensor } from '../../engine/tape/tensor.ts';
import { PixtapeError } from '../../engine/util/errors.ts';

export interface DcganConfig {
  /** Side of a picture in pixels: a power of two from 8 up. */
  side: number;
  /** Length of the noise vector. */
  nz: number;
  /** Channels of the level nearest the picture, of each network. They double per level. */
  ngf: number;
  ndf: number;
  /** Number of classes; 0 for an unconditional GAN. */
  classes: number;
}

const CHANNELS = 3;
const SLOPE = 0.2;
/** Convolutions that halve or double the sides: all but those at the 4 × 4 end. */
const HALVING = { stride: 2, padding: 1, bias: false };
/** The convolution at that end turns 4 × 4 into one pixel, or one pixel into 4 × 4. */
const WHOLE = { bias: false };

/** Levels between 4 × 4 and the picture. @throws PixtapeError if the side is not a power of two of at least 8 */
export function dcganLevels(side: number): number {
  const levels = Math.log2(side) - 2;
  if (Number.isInteger(levels) && levels >= 1) return levels;
  throw new PixtapeError(`a DCGAN cannot make pictures of ${side} × ${side}`, 'Sides that work: 8, 16, 32, 64, 128, …');
}

/**
 * Noise → picture: (N, nz, 1, 1) → (N, 3, side, side) in (−1, 1). The first transposed convolution turns one pixel
 * into 4 × 4; the others double the sides. Batch norm and ReLU follow each but the last, which ends in tanh. With
 * classes, their one-hot vectors (N, classes, 1, 1) are concatenated to the noise. Names are those of PyTorch's DCGAN
 * tutorial (`main.0.weight`, …).
 * Source: Radford et al. 2016, "Unsupervised Representation Learning with DCGANs"; Mirza & Osindero 2014 for the
 * classes.
 */
export class DcganGenerator extends Module {
  readonly config: DcganConfig;
  /** Convolution, norm, and an empty place for the ReLU, as in DCGAN's code. */
  private readonly main: (ConvTranspose2d | BatchNorm2d)[];

  constructor(device: Device, config: DcganConfig) {
    super();
    this.config = config;
    const { side, nz, ngf, classes } = config;
    const levels = dcganLevels(side);
    this.main = [];
    let cin = nz + classes;
    for (let i = 0; i < levels; i++) {
      const cout = ngf * 2 ** (levels - 1 - i);
      this.main[3 * i] = new ConvTranspose2d(device, cin, cout, 4, i === 0 ? WHOLE : HALVING);
      this.main[3 * i + 1] = new BatchNorm2d(device, cout);
      cin = cout;
    }
    this.main[3 * levels] = new ConvTranspose2d(device, cin, CHANNELS, 4, HALVING);
  }

  /** @throws PixtapeError if the vectors do not fit, or there are classes without labels or labels without classes */
  forward(noise: Tensor, labels?: Tensor): Tensor {
    checkLabels('generator', this.config, labels);
    let x = labels ? concat([noise, labels]) : noise;
    // forEach skips the empty places of the ReLUs, which run together with the norms.
    this.main.forEach((layer) => {
      x = layer instanceof BatchNorm2d ? layer.forward(x, 0) : layer.forward(x);
    });
    return tanh(x);
  }
}

/**
 * Picture → one logit for how real it is: (N, 3, side, side) in [−1, 1] → (N, 1, 1, 1). Convolutions of stride 2 lead
 * down to 4 × 4, each followed by batch norm (but the first) and leaky ReLU; one 4×4 convolution ends it. With
 * classes, each entry of the one-hot vectors (N, classes, 1, 1) becomes a constant map that is concatenated to the
 * picture.
 */
export class DcganDiscriminator extends Module {
  readonly config: DcganConfig;
  /** Convolution, norm, and an empty place for the leaky ReLU, as in DCGAN's code. */
  private readonly main: (Conv2d | BatchNorm2d)[];

  constructor(device: Device, config: DcganConfig) {
    super();
    this.config = config;
    const { side, ndf, classes } = config;
    const levels = dcganLevels(side);
    this.main = [new Conv2d(device, CHANNELS + classes, ndf, 4, { ...HALVING, slope: SLOPE })];
    for (let i = 1; i < levels; i++) {
      const channels = ndf * 2 ** i;
      this.main[3 * i - 1] = new Conv2d(device, channels / 2, channels, 4, HALVING);
      this.main[3 * i] = new BatchNorm2d(device, channels);
    }
    this.main[3 * levels - 1] = new Conv2d(device, ndf * 2 ** (levels - 1), 1, 4, WHOLE);
  }

  /**
   * @throws PixtapeError if picture or labels do not fit, or there are classes without labels or labels without classes
   */
  forward(picture: Tensor, labels?: Tensor): Tensor {
    checkLabels('discriminator', this.config, labels);
    const { side } = this.config;
    // Aligned corners copy the value exactly; otherwise each pixel would be interpolated from it.
    let x = labels ? concat([picture, upsampleBilinear(labels, side, side, true)]) : picture;
    this.main.forEach((layer) => {
      x = layer instanceof BatchNorm2d ? layer.forward(x, SLOPE) : layer.forward(x);
    });
    return x;
  }
}

function checkLabels(network: string, { classes }: DcganConfig, labels: Tensor | undefined): void {
  if (classes === 0 && labels) throw new PixtapeError(`this ${network} has no classes, but labels were given`);
  if (classes > 0 && labels?.shape[1] !== classes) {
    const given = labels ? `labels of [${labels.shape}]` : 'no labels';
    throw new PixtapeError(`this ${network} has ${classes} classes, but ${given} were given`);
  }
}
