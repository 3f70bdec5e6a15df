import type { Device } from '../../engine/gpu/device.ts';
import { BatchNorm2d, Conv2d } from '../../engine/nn/layers.ts';
import { Module } from '../../engine/nn/module.ts';
import { maxPool2d } from '../../engine/ops/resample/max_pool.ts';
import type { Tensor } from '../../engine/tape/tensor.ts';
import { PixtapeError } from '../../engine/util/errors.ts';

export interface ClassifierConfig {
  /** Side of a picture in pixels: 4 · 2^n. */
  side: number;
  /** Channels of the first level. They double per level, up to four times as many. */
  hidden: number;
  classes: number;
}

/**
 * A small convolutional classifier: (N, 3, side, side) in [−1, 1] → logits (N, classes, 1, 1). Each level is a 3×3
 * convolution, batch norm, leaky ReLU and 2×2 max-pool, down to 4 × 4. A 4×4 convolution follows.
 */
export class Classifier extends Module {
  readonly config: ClassifierConfig;
  private readonly convs: Conv2d[];
  private readonly norms: BatchNorm2d[];
  private readonly last: Conv2d;

  /** @throws PixtapeError if the side cannot be halved down to 4 */
  constructor(device: Device, config: ClassifierConfig) {
    super();
    this.config = config;
    const { side, hidden, classes } = config;
    const levels = Math.log2(side / 4);
    if (!Number.isInteger(levels) || levels < 1) {
      throw new PixtapeError(
        `the classifier takes no pictures of ${side} × ${side}`,
        'Sides that work: 8, 16, 32, 64, …',
      );
    }
    const channels = (level: number) => hidden * 2 ** Math.min(level, 2);
    const each = Array.from({ length: levels }, (_, i) => i);
    this.convs = each.map(
      (i) => new Conv2d(device, i === 0 ? 3 : channels(i - 1), channels(i), 3, { padding: 1, bias: false }),
    );
    this.norms = each.map((i) => new BatchNorm2d(device, channels(i)));
    this.last = new Conv2d(device, channels(levels - 1), classes, 4);
  }

  forward(picture: Tensor): Tensor {
    let x = picture;
    this.convs.forEach((conv, i) => {
      const norm = this.norms[i] as BatchNorm2d;
      x = maxPool2d(norm.forward(conv.forward(x), 0.2), 2, 2, 0);
    });
    return this.last.forward(x);
  }
}
