import type { Device } from '../../engine/gpu/device.ts';
import { Conv2d } from '../../engine/nn/layers.ts';
import { Module } from '../../engine/nn/module.ts';
import { concat } from '../../engine/ops/shape/concat.ts';
import type { Tensor } from '../../engine/tape/tensor.ts';
import { DownSampleConv } from './generators/tutorial.ts';

export interface PatchGanConfig {
  /** Channels of picture and condition together. */
  inChannels: number;
  hidden: number;
}

/**
 * The tutorial's discriminator: (N, c, H, W) picture and condition → logits (N, 1, H/16, W/16), one per patch.
 * 294,425 parameters by default.
 * Source: Isola et al. 2017, section 3.2.2.
 */
export class PatchGAN extends Module {
  readonly mixesPictures = false;
  private readonly conv1: Conv2d;
  private readonly contract1: DownSampleConv;
  private readonly contract2: DownSampleConv;
  private readonly contract3: DownSampleConv;
  private readonly contract4: DownSampleConv;
  private readonly final: Conv2d;

  constructor(device: Device, { inChannels = 6, hidden = 8 }: Partial<PatchGanConfig> = {}) {
    super();
    this.conv1 = new Conv2d(device, inChannels, hidden, 1);
    this.contract1 = new DownSampleConv(device, hidden);
    this.contract2 = new DownSampleConv(device, hidden * 2);
    this.contract3 = new DownSampleConv(device, hidden * 4);
    this.contract4 = new DownSampleConv(device, hidden * 8);
    this.final = new Conv2d(device, hidden * 16, 1, 1);
  }

  forward(picture: Tensor, condition?: Tensor): Tensor {
    let x = this.conv1.forward(condition ? concat([picture, condition]) : picture);
    for (const layer of [this.contract1, this.contract2, this.contract3, this.contract4]) x = layer.forward(x);
    return this.final.forward(x);
  }
}
