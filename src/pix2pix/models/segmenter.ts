import type { Device } from '../../engine/gpu/device.ts';
import { BatchNorm2d, Conv2d } from '../../engine/nn/layers.ts';
import { Module } from '../../engine/nn/module.ts';
import { add } from '../../engine/ops/elementwise/arithmetic.ts';
import { maxPool2d } from '../../engine/ops/resample/max_pool.ts';
import { upsampleBilinear } from '../../engine/ops/resample/upsample_bilinear.ts';
import type { Tensor } from '../../engine/tape/tensor.ts';
import { PixtapeError } from '../../engine/util/errors.ts';

export interface SegmenterConfig {
  /** Channels of the first level; each level down doubles them. */
  hidden: number;
  classes: number;
}

/** Levels, each half as wide and high as the one above. */
const LEVELS = 4;
/** The smallest side that can be halved that often. */
export const SEGMENTER_LEAST_SIDE = 2 ** (LEVELS - 1);

/** Twice: convolution 3×3, batch norm, ReLU. */
class Level extends Module {
  readonly convs: Conv2d[];
  readonly norms: BatchNorm2d[];
  /** The level's logits. */
  readonly score: Conv2d;

  constructor(device: Device, from: number, to: number, classes: number) {
    super();
    this.convs = [from, to].map((cin) => new Conv2d(device, cin, to, 3, { padding: 1, bias: false }));
    this.norms = this.convs.map(() => new BatchNorm2d(device, to));
    this.score = new Conv2d(device, to, classes, 1);
  }

  forward(x: Tensor): Tensor {
    return this.convs.reduce((y, conv, i) => (this.norms[i] as BatchNorm2d).forward(conv.forward(y), 0), x);
  }
}

/**
 * A small fully convolutional network that classifies each pixel: (N, 3, H, W) in [−1, 1] → logits (N, classes, H, W),
 * sides of 8 or more. It has four levels with a max-pool between. Each level computes logits, and adds the upsampled
 * logits of the level below, up to full resolution.
 * Source: Long, Shelhamer & Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation": the skips of their
 * FCN-8s, continued to stride 1, on a network small enough to be trained as part of a measurement.
 */
export class Segmenter extends Module {
  readonly config: SegmenterConfig;
  readonly levels: Level[];

  constructor(device: Device, config: SegmenterConfig) {
    super();
    this.config = config;
    const { hidden, classes } = config;
    this.levels = Array.from({ length: LEVELS }, (_, i) => {
      return new Level(device, i === 0 ? 3 : hidden * 2 ** (i - 1), hidden * 2 ** i, classes);
    });
  }

  /** @throws PixtapeError if a side is smaller than 8 */
  forward(picture: Tensor): Tensor {
    const [, , height = 0, width = 0] = picture.shape;
    if (Math.min(height, width) < SEGMENTER_LEAST_SIDE) {
      throw new PixtapeError(
        `pictures of ${width} × ${height} are too small to be segmented: both sides must be at least ${SEGMENTER_LEAST_SIDE}`,
      );
    }
    let x = picture;
    const scores = this.levels.map((level, i) => {
      x = level.forward(i === 0 ? x : maxPool2d(x, 2, 2, 0));
      return level.score.forward(x);
    });
    return scores.reduceRight((below, score) => {
      const [, , h = 1, w = 1] = score.shape;
      return add(score, upsampleBilinear(below, h, w, false));
    });
  }
}
