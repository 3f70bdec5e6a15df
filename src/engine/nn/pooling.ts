import { optional } from '../ops/arguments.ts';
import { avgPool2d, globalAvgPool } from '../ops/resample/avg_pool.ts';
import { maxPool2d } from '../ops/resample/max_pool.ts';
import { POOL_RULES } from '../ops/resample/pool.ts';
import type { Tensor } from '../tape/tensor.ts';
import { checkLayer } from './arguments.ts';
import { Module } from './module.ts';

/** Pooling as modules, for networks that consist of modules only. Each calls the operation of its name. */

type Sides = readonly [kernel: number, stride?: number, padding?: number];

function checkSides(layer: string, [kernel, stride, padding, ...more]: readonly unknown[]): void {
  const given = {
    kernel: [kernel, POOL_RULES.kernel],
    stride: [stride, optional(POOL_RULES.stride)],
    padding: [padding, optional(POOL_RULES.padding)],
  } as const;
  checkLayer(layer, given, more);
}

export class MaxPool2d extends Module {
  private readonly sides: Sides;

  /** @param kernel side of the window, @param stride by default the kernel */
  constructor(...sides: Sides) {
    super();
    checkSides('MaxPool2d', sides);
    this.sides = sides;
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, ...this.sides);
  }
}

export class AvgPool2d extends Module {
  private readonly sides: Sides;

  /** @param kernel side of the window, @param stride by default the kernel */
  constructor(...sides: Sides) {
    super();
    checkSides('AvgPool2d', sides);
    this.sides = sides;
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, ...this.sides);
  }
}

/** The mean of each channel: (N, C, H, W) → (N, C, 1, 1). */
export class GlobalAvgPool extends Module {
  constructor(...none: never[]) {
    super();
    checkLayer('GlobalAvgPool', {}, none);
  }

  forward(x: Tensor): Tensor {
    return globalAvgPool(x);
  }
}
