import type { Device } from '../gpu/device.ts';
import { aBoolean, aWholeNumber, optional } from '../ops/arguments.ts';
import { add } from '../ops/elementwise/arithmetic.ts';
import { embedding } from '../ops/lookup/embedding.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { flatten } from '../ops/shape/reshape.ts';
import type { Tensor } from '../tape/tensor.ts';
import { aDevice, aSeed, checkLayer } from './arguments.ts';
import { Fresh } from './init/fresh.ts';
import type { LayerOptions } from './layers.ts';
import { Module, parameter } from './module.ts';

const SIDE = aWholeNumber(1);

export interface LinearOptions extends LayerOptions {
  bias?: boolean;
}

/** y = x · weightᵀ + bias; `weight` is (out, in). Starts uniform in ±1/√in, as in PyTorch. */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;

  constructor(device: Device, inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    const given = {
      device: [device, aDevice],
      inFeatures: [inFeatures, SIDE],
      outFeatures: [outFeatures, SIDE],
    } as const;
    checkLayer('Linear', given, [options], { bias: optional(aBoolean), seed: aSeed });
    const { bias = true, seed } = options;
    const fresh = new Fresh(device, seed);
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = parameter(fresh.uniform([outFeatures, inFeatures], 'weight', bound));
    if (bias) this.bias = parameter(fresh.uniform([outFeatures], 'bias', bound));
  }

  /** (…, in) → (…, out). */
  forward(x: Tensor): Tensor {
    const y = matmul(x, this.weight, { transposeB: true });
    return this.bias ? add(y, this.bias) : y;
  }
}

/** A table of vectors, looked up by index; `weight` is (count, features) and starts from N(0, 1), as in PyTorch. */
export class Embedding extends Module {
  readonly weight: Tensor;

  constructor(device: Device, count: number, features: number, options: LayerOptions = {}) {
    super();
    const given = { device: [device, aDevice], count: [count, SIDE], features: [features, SIDE] } as const;
    checkLayer('Embedding', given, [options], { seed: aSeed });
    this.weight = parameter(new Fresh(device, options.seed).normal([count, features], 'weight', 1));
  }

  /** @param indices u32, of any shape (…) → (…, features) */
  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight);
  }
}

/** (N, …) → (N, product of the other sides). */
export class Flatten extends Module {
  constructor(...none: never[]) {
    super();
    checkLayer('Flatten', {}, none);
  }

  forward(x: Tensor): Tensor {
    return flatten(x, 1);
  }
}
