import type { Device } from '../../../engine/gpu/device.ts';
import { BatchNorm2d, Conv2d, Dropout } from '../../../engine/nn/layers.ts';
import { Module } from '../../../engine/nn/module.ts';
import { sigmoid } from '../../../engine/ops/elementwise/activations.ts';
import type { Rng } from '../../../engine/ops/random/rng.ts';
import { maxPool2d } from '../../../engine/ops/resample/max_pool.ts';
import { upsampleBilinear } from '../../../engine/ops/resample/upsample_bilinear.ts';
import { concatCropped } from '../../../engine/ops/shape/concat.ts';
import { checkpoint, runDirectly } from '../../../engine/tape/autograd.ts';
import type { Tensor } from '../../../engine/tape/tensor.ts';
import { checkSides, type GeneratorConfig, type PictureRange, type SidesOf, TUTORIAL_GENERATOR } from './config.ts';

/** conv 3×3 → leaky ReLU 0.2, the building block of the way down. (The tutorial has no batch norm there.) */
export class ConvBlock extends Module {
  readonly conv1: Conv2d;

  constructor(device: Device, cin: number, cout: number) {
    super();
    this.conv1 = new Conv2d(device, cin, cout, 3, { padding: 1, slope: 0.2 });
  }

  forward(x: Tensor): Tensor {
    return this.conv1.forward(x);
  }
}

/** (c, H, W) → (2c, H/2, W/2): two blocks, then a 2×2 max-pool. */
export class DownSampleConv extends Module {
  readonly convBlock1: ConvBlock;
  readonly convBlock2: ConvBlock;

  constructor(device: Device, channels: number) {
    super();
    this.convBlock1 = new ConvBlock(device, channels, channels * 2);
    this.convBlock2 = new ConvBlock(device, channels * 2, channels * 2);
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(this.convBlock2.forward(this.convBlock1.forward(x)), 2, 2, 0);
  }
}

interface UpOptions {
  /** Dropout rate, 0 for none. */
  dropout: number;
  /** Whether both places share one batch norm, as in the tutorial's code. */
  sharedNorm: boolean;
  rng: Rng;
}

/** (c, H, W) with a skip of c/2 channels → (c/2, 2H, 2W). */
export class UpSampleConv extends Module {
  readonly conv1: Conv2d;
  readonly conv2: Conv2d;
  readonly conv3: Conv2d;
  readonly batchnorm: BatchNorm2d;
  /** Undefined if the two places share one. */
  readonly batchnorm2: BatchNorm2d | undefined;
  private readonly dropout: Dropout | undefined;

  constructor(device: Device, channels: number, { dropout, sharedNorm, rng }: UpOptions) {
    super();
    const half = channels / 2;
    this.conv1 = new Conv2d(device, channels, half, 2);
    this.conv2 = new Conv2d(device, channels, half, 3, { padding: 1 });
    this.conv3 = new Conv2d(device, half, half, 2, { padding: 1 });
    this.batchnorm = new BatchNorm2d(device, half);
    this.batchnorm2 = sharedNorm ? undefined : new BatchNorm2d(device, half);
    if (dropout > 0) this.dropout = new Dropout(dropout, rng);
  }

  forward(x: Tensor, skip: Tensor): Tensor {
    const [, , height = 1, width = 1] = x.shape;
    const up = this.conv1.forward(upsampleBilinear(x, height * 2, width * 2, true));
    const joined = concatCropped(up, skip);
    const halfway = this.finish(this.batchnorm, this.conv2.forward(joined));
    return this.finish(this.batchnorm2 ?? this.batchnorm, this.conv3.forward(halfway));
  }

  private finish(norm: BatchNorm2d, x: Tensor): Tensor {
    // The tutorial applies dropout before the ReLU. The result is the same, but this order fuses all three.
    return norm.forward(x, 0, this.dropout);
  }
}

/**
 * The tutorial's U-Net: (N, in, H, W) in [0, 1] → (N, out, H, W) in (0, 1). 117,430,211 parameters by default.
 * Source: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks"; Ronneberger et al.
 * 2015.
 */
export class Generator extends Module {
  readonly config: GeneratorConfig;
  readonly range: PictureRange = 'unit';
  /** Sides must be multiples of this. */
  readonly unit: number;
  readonly conv1: Conv2d;
  readonly convFinal: Conv2d;
  readonly contractingLayers: DownSampleConv[];
  readonly expandingLayers: UpSampleConv[];
  recompute = false;

  constructor(device: Device, config: Partial<GeneratorConfig>, rng: Rng) {
    super();
    this.config = { ...TUTORIAL_GENERATOR, ...config };
    const { inChannels, outChannels, hidden, depth, dropout, dropoutAt, sharedNorm } = this.config;
    this.unit = 2 ** depth;
    const levels = Array.from({ length: depth }, (_, i) => i);
    const drops = (i: number) => (dropoutAt === 'output' ? i < 3 : i >= depth - 3);
    this.conv1 = new Conv2d(device, inChannels, hidden, 1);
    this.convFinal = new Conv2d(device, hidden, outChannels, 1);
    this.contractingLayers = levels.map((i) => new DownSampleConv(device, hidden * 2 ** i));
    this.expandingLayers = levels.map((i) => {
      return new UpSampleConv(device, hidden * 2 ** (i + 1), { dropout: drops(i) ? dropout : 0, sharedNorm, rng });
    });
  }

  /** @throws PixtapeError if a side of the picture is not a multiple of 2^depth */
  forward(condition: Tensor): Tensor {
    const [, , height = 0, width = 0] = condition.shape;
    checkSides(width, height, tutorialSides(this.config.depth));
    let x = this.conv1.forward(condition);
    const skips = [x];
    const level = this.recompute ? checkpoint : runDirectly;
    for (const layer of this.contractingLayers) {
      x = level([x], ([input]) => layer.forward(input as Tensor));
      skips.push(x);
    }
    for (let i = this.expandingLayers.length - 1; i >= 0; i--) {
      const layer = this.expandingLayers[i] as UpSampleConv;
      x = level([x, skips[i] as Tensor], ([input, skip]) => layer.forward(input as Tensor, skip as Tensor));
    }
    return sigmoid(this.convFinal.forward(x));
  }
}

/** The sides that the tutorial's generator takes. */
export const tutorialSides = (depth: number): SidesOf => ({
  unit: 2 ** depth,
  // The batch norm at the bottom needs two values.
  leastArea: 2 * 4 ** depth,
  network: `a generator of depth ${depth}`,
  instead: 'a smaller --depth',
});
