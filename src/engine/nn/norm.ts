import type { Device } from '../gpu/device.ts';
import { aList, aWholeNumber, either, optional } from '../ops/arguments.ts';
import { leakyRelu } from '../ops/elementwise/activations.ts';
import { groupNorm } from '../ops/norm/group_norm.ts';
import { instanceNorm } from '../ops/norm/instance_norm.ts';
import { layerNorm } from '../ops/norm/layer_norm.ts';
import type { Ranks } from '../ops/ranks/ranks.ts';
import { type Shape, Tensor } from '../tape/tensor.ts';
import { aDevice, checkLayer } from './arguments.ts';
import { BatchNorm2d } from './layers.ts';
import { Module, parameter } from './module.ts';

/** How a network normalises its activations: over the batch, per picture, or not at all. */
export type NormKind = 'batch' | 'instance' | 'none';

export const NORMS: readonly NormKind[] = ['batch', 'instance', 'none'];

const SIDE = aWholeNumber(1);

/** Initial weight 1 and bias 0 of this shape. */
function affine(device: Device, shape: Shape): { weight: Tensor; bias: Tensor } {
  const ones = () => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1);
  const weight = parameter(Tensor.lazy(device, shape, 'weight', ones));
  return { weight, bias: parameter(Tensor.zeros(device, shape, 'bias')) };
}

/**
 * Instance norm without running statistics. `new InstanceNorm2d()` has no weights, as in pix2pix. `new
 * InstanceNorm2d(device, channels)` has a weight and a bias per channel.
 */
export class InstanceNorm2d extends Module {
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;

  constructor(device?: Device, channels?: number, ...none: never[]) {
    super();
    const given = { device: [device, optional(aDevice)], channels: [channels, optional(SIDE)] } as const;
    checkLayer('InstanceNorm2d', given, none);
    const learnt = device && channels !== undefined ? affine(device, [channels]) : undefined;
    this.weight = learnt?.weight;
    this.bias = learnt?.bias;
  }

  /** (N, C, …). @param slope of a leaky ReLU on the result; 1 for none */
  forward(x: Tensor, slope = 1): Tensor {
    const y = instanceNorm(x, this.weight, this.bias);
    return slope === 1 ? y : leakyRelu(y, slope);
  }
}

/** Group norm with a weight and a bias per channel. */
export class GroupNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly groups: number;

  constructor(device: Device, groups: number, channels: number, ...none: never[]) {
    super();
    const given = { device: [device, aDevice], groups: [groups, SIDE], channels: [channels, SIDE] } as const;
    checkLayer('GroupNorm', given, none);
    this.groups = groups;
    const { weight, bias } = affine(device, [channels]);
    this.weight = weight;
    this.bias = bias;
  }

  /** (N, channels, …). */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias);
  }
}

/** Layer norm over the last sides, with a weight and a bias per position in them. */
export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;

  /** @param shape the sides, or the length of the only one */
  constructor(device: Device, shape: number | Shape, ...none: never[]) {
    super();
    checkLayer('LayerNorm', { device: [device, aDevice], shape: [shape, either(SIDE, aList(SIDE))] }, none);
    const { weight, bias } = affine(device, typeof shape === 'number' ? [shape] : shape);
    this.weight = weight;
    this.bias = bias;
  }

  /** (…, shape). */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight.shape, this.weight, this.bias);
  }
}

export type Norm = BatchNorm2d | InstanceNorm2d;

/** Creates a norm of that kind for `channels` channels; undefined for `none`. */
export function createNorm(device: Device, kind: NormKind, channels: number): Norm | undefined {
  if (kind === 'batch') return new BatchNorm2d(device, channels);
  return kind === 'instance' ? new InstanceNorm2d() : undefined;
}

/** Makes every batch norm of a network take its training statistics over the batches of all ranks. */
export function syncBatchNorm(network: Module, ranks: Ranks): void {
  for (const [, module] of network.modules()) if (module instanceof BatchNorm2d) module.ranks = ranks;
}
