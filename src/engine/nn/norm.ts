import type { Device } from '../gpu/device.ts';
import { leakyRelu } from '../ops/elementwise/activations.ts';
import { instanceNorm } from '../ops/norm/instance_norm.ts';
import type { Tensor } from '../tape/tensor.ts';
import { BatchNorm2d } from './layers.ts';
import { Module } from './module.ts';

/** What normalises activations: over the batch, over each picture by itself, or not at all. */
export type NormKind = 'batch' | 'instance' | 'none';

export const NORMS: readonly NormKind[] = ['batch', 'instance', 'none'];

/** Instance norm without weights and running statistics, as pix2pix uses it: nothing to learn or to save. */
export class InstanceNorm2d extends Module {
  /** @param slope of a leaky ReLU on the result; 1 for none */
  forward(x: Tensor, slope = 1): Tensor {
    const y = instanceNorm(x);
    return slope === 1 ? y : leakyRelu(y, slope);
  }
}

export type Norm = BatchNorm2d | InstanceNorm2d;

/** A norm of that kind for so many channels; undefined for none. */
export function createNorm(device: Device, kind: NormKind, channels: number): Norm | undefined {
  if (kind === 'batch') return new BatchNorm2d(device, channels);
  return kind === 'instance' ? new InstanceNorm2d() : undefined;
}
