import type { Device } from '../../engine/gpu/device.ts';
import { Conv2d } from '../../engine/nn/layers.ts';
import { Module } from '../../engine/nn/module.ts';
import { createNorm, type Norm, type NormKind } from '../../engine/nn/norm.ts';
import { concat } from '../../engine/ops/shape/concat.ts';
import type { Tensor } from '../../engine/tape/tensor.ts';

export interface ConvDiscriminatorConfig {
  /** Channels of picture and condition together. */
  inChannels: number;
  /** Channels of the first convolution (ndf). */
  hidden: number;
  norm: NormKind;
}

const SLOPE = 0.2;

/** A convolution, its norm, and a leaky ReLU. */
class Layer {
  readonly conv: Conv2d;
  readonly norm: Norm | undefined;

  constructor(conv: Conv2d, norm: Norm | undefined) {
    this.conv = conv;
    this.norm = norm;
  }

  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    return this.norm ? this.norm.forward(y, SLOPE) : y;
  }
}

interface LayerOptions {
  kernel: number;
  stride: number;
  padding: number;
  bias: boolean;
  norm: NormKind;
}

/**
 * A sequence of convolutions, all but the last with a leaky ReLU and, if wanted, a norm. Layers are numbered as in a
 * PyTorch Sequential in which norm and leaky ReLU count as layers of their own.
 */
abstract class ConvDiscriminator extends Module {
  readonly mixesPictures: boolean;
  readonly #layers: Layer[] = [];
  readonly #device: Device;
  #final: Conv2d | undefined;
  readonly #sequence: Module[] = [];

  constructor(device: Device, norm: NormKind) {
    super();
    this.#device = device;
    this.mixesPictures = norm === 'batch';
  }

  /** All modules at their places in PyTorch's nn.Sequential; subclasses hold it under PyTorch's name for it. */
  protected get sequence(): Module[] {
    return this.#sequence;
  }

  /** @param normed whether the place of a norm follows, which is empty with `norm: none` */
  protected layer(cin: number, cout: number, { kernel, norm, ...options }: LayerOptions, normed: boolean): void {
    const after = normed ? createNorm(this.#device, norm, cout) : undefined;
    const slope = after ? {} : { slope: SLOPE };
    const conv = new Conv2d(this.#device, cin, cout, kernel, { ...options, ...slope });
    this.#layers.push(new Layer(conv, after));
    const modules = this.#sequence;
    const place = modules.length;
    modules[place] = conv;
    if (after) modules[place + 1] = after;
    modules.length = place + (normed ? 3 : 2);
  }

  protected last(cin: number, { kernel, norm: _, ...options }: LayerOptions): void {
    this.#final = new Conv2d(this.#device, cin, 1, kernel, options);
    this.#sequence.push(this.#final);
  }

  forward(picture: Tensor, condition?: Tensor): Tensor {
    let x = condition ? concat([condition, picture]) : picture;
    for (const layer of this.#layers) x = layer.forward(x);
    return (this.#final as Conv2d).forward(x);
  }
}

/** Layers of stride 2 of the paper's usual PatchGAN, which makes patches of 70 × 70 pixels. */
export const BASIC_LAYERS = 3;

/** Receptive field of a logit of `NLayerDiscriminator`, in pixels: 16, 34, 70, 142, 286 for 1 to 5 layers. */
export const patchSide = (layers: number): number => 9 * 2 ** layers - 2;

/** The smallest picture side that gives one logit: the two convolutions of stride 1 take one pixel each. */
export const leastSide = (layers: number): number => 3 * 2 ** layers;

/** How often the width doubles. */
const MOST_DOUBLINGS = 3;

/**
 * The paper's PatchGAN: (N, c, H, W) picture and condition → logits (N, 1, H/2ⁿ − 2, W/2ⁿ − 2) for n `layers`; each
 * logit sees `patchSide(n)` pixels a side. C64-C128 is n = 1, C64-C128-C256-C512 is n = 3, two more C512 give n = 5.
 * With n = 3, 6 input channels and 64 hidden ones it has 2,768,705 parameters.
 * Source: Isola et al. 2017, sections 4.4 and 6.1.2; names as in its PyTorch implementation.
 */
export class NLayerDiscriminator extends ConvDiscriminator {
  readonly model: Module[];

  constructor(
    device: Device,
    { inChannels, hidden, norm, layers = BASIC_LAYERS }: ConvDiscriminatorConfig & { layers?: number },
  ) {
    super(device, norm);
    const halve = { kernel: 4, stride: 2, padding: 1, norm };
    const keep = { ...halve, stride: 1 };
    const bias = norm === 'instance';
    this.layer(inChannels, hidden, { ...halve, bias: true }, false);
    const width = (layer: number) => hidden * 2 ** Math.min(layer, MOST_DOUBLINGS);
    for (let i = 1; i <= layers; i++) {
      this.layer(width(i - 1), width(i), { ...(i < layers ? halve : keep), bias }, true);
    }
    this.last(width(layers), { ...keep, bias: true });
    this.model = this.sequence;
  }
}

/**
 * The paper's 1 × 1 discriminator, which judges each pixel separately: logits (N, 1, H, W).
 * Source: Isola et al. 2017, section 6.1.2; names as in its PyTorch implementation.
 */
export class PixelDiscriminator extends ConvDiscriminator {
  readonly net: Module[];

  constructor(device: Device, { inChannels, hidden, norm }: ConvDiscriminatorConfig) {
    super(device, norm);
    const single = { kernel: 1, stride: 1, padding: 0, norm };
    const bias = norm === 'instance';
    this.layer(inChannels, hidden, { ...single, bias: true }, false);
    this.layer(hidden, hidden * 2, { ...single, bias }, true);
    this.last(hidden * 2, { ...single, bias });
    this.net = this.sequence;
  }
}
