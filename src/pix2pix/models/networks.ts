import type { Device } from '../../engine/gpu/device.ts';
import type { Module } from '../../engine/nn/module.ts';
import type { NormKind } from '../../engine/nn/norm.ts';
import type { Rng } from '../../engine/ops/random/rng.ts';
import type { Tensor } from '../../engine/tape/tensor.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { BasicDiscriminator, PixelDiscriminator } from './discriminators.ts';
import { checkSides, Generator, type GeneratorConfig, type PictureRange } from './generator.ts';
import { PatchGAN } from './patch_gan.ts';
import { LEAST_DOWNS, UnetGenerator } from './unet.ts';

export const NETS_G = ['tutorial', 'unet'] as const;
/** The tutorial's generator, or the paper's U-Net, of which `generator.depth` says the size: 8 is unet_256. */
export type NetG = (typeof NETS_G)[number];

export const NETS_D = ['tutorial', 'basic', 'pixel'] as const;
/** The tutorial's PatchGAN, the paper's 70 × 70 PatchGAN, or the paper's 1 × 1 discriminator. */
export type NetD = (typeof NETS_D)[number];

/** Which networks, and how large. */
export interface NetworksConfig {
  netG: NetG;
  netD: NetD;
  /** Of the paper's networks; the tutorial's have batch norm and nothing else. */
  norm: NormKind;
  /** Of a U-Net, `dropoutAt` is always `inner`, and no norm is shared. */
  generator: GeneratorConfig;
  /** Channels of the discriminator's first level. */
  discHidden: number;
}

/** What a configuration means that was written before there was a choice. */
export const TUTORIAL_NETWORKS: Pick<NetworksConfig, 'netG' | 'netD' | 'norm'> = {
  netG: 'tutorial',
  netD: 'tutorial',
  norm: 'batch',
};

/** What the two generators have in common. */
export interface PictureGenerator extends Module {
  readonly config: { inChannels: number; outChannels: number };
  /** What both sides of a picture must be multiples of. */
  readonly unit: number;
  /** Values of the pictures that it takes and gives. */
  readonly range: PictureRange;
  /** Keep only what passes between the levels for the backward, and work out the rest again: for large pictures. */
  recompute: boolean;
  /** (N, in, H, W) → (N, out, H, W). @throws PixtapeError if the sides do not fit. */
  forward(condition: Tensor): Tensor;
}

/** What the discriminators have in common: logits, one for each patch that they judge. */
export interface Discriminator extends Module {
  forward(picture: Tensor, condition: Tensor): Tensor;
}

/** @throws PixtapeError if the norm is not one that the generator can have. */
export function createGenerator(device: Device, config: NetworksConfig, rng: Rng): PictureGenerator {
  const { netG, norm, generator } = config;
  if (netG === 'unet') return new UnetGenerator(device, { ...generator, norm }, rng);
  refuseNorm(norm, ...TUTORIAL_NORM.generator);
  return new Generator(device, generator, rng);
}

/** @throws PixtapeError if the norm is not one that the discriminator can have. */
export function createDiscriminator(device: Device, config: NetworksConfig): Discriminator {
  const { netD, norm, generator, discHidden: hidden } = config;
  const inChannels = generator.inChannels + generator.outChannels;
  if (netD === 'basic') return new BasicDiscriminator(device, { inChannels, hidden, norm });
  if (netD === 'pixel') return new PixelDiscriminator(device, { inChannels, hidden, norm });
  refuseNorm(norm, ...TUTORIAL_NORM.discriminator);
  return new PatchGAN(device, { inChannels, hidden });
}

/** What has batch norm and no other, and what to take where another is wanted. */
const TUTORIAL_NORM = {
  generator: ['generator', '--netG unet_256'],
  discriminator: ['PatchGAN', '--netD basic'],
} as const;

function refuseNorm(norm: NormKind, network: string, other: string): void {
  if (norm === 'batch') return;
  throw new PixtapeError(
    `--norm ${norm}: the tutorial's ${network} is made with batch norm and no other`,
    `Leave --norm out, or take the paper's networks: ${other}.`,
  );
}

/** A generator by its name: `tutorial`, or `unet_N`, whose pictures' sides are multiples of N. Undefined for any other. */
export function parseGeneratorName(name: unknown): { netG: NetG; depth?: number } | undefined {
  if (name === 'tutorial') return { netG: name };
  const depth = Math.log2(Number(/^unet_(\d+)$/.exec(String(name))?.[1]));
  return Number.isInteger(depth) && depth >= LEAST_DOWNS ? { netG: 'unet', depth } : undefined;
}

/** The generator's name, as --netG takes it. */
export function generatorName({ netG, generator }: Pick<NetworksConfig, 'netG' | 'generator'>): string {
  return netG === 'unet' ? `unet_${2 ** generator.depth}` : netG;
}

/** The generator in a few words, with what sizes it: `32/6` for the tutorial's of 32 channels and 6 levels. */
export function describeGenerator(config: Pick<NetworksConfig, 'netG' | 'norm' | 'generator'>): string {
  const { netG, norm, generator } = config;
  if (netG === 'tutorial') return `${generator.hidden}/${generator.depth}`;
  return `${generatorName(config)} of ${generator.hidden} channels${norm === 'batch' ? '' : `, norm ${norm}`}`;
}

/** What each discriminator is called. */
export const DISCRIMINATOR_NAMES: Readonly<Record<NetD, string>> = {
  tutorial: 'PatchGAN',
  basic: '70 × 70 PatchGAN',
  pixel: '1 × 1 discriminator',
};

/** The smallest side of a picture of which each discriminator leaves something to judge. */
const LEAST_SIDE: Readonly<Record<NetD, number>> = { tutorial: 16, basic: 24, pixel: 1 };

/**
 * Whether such networks can be made, and for pictures of this size, without making them.
 * @param judged whether there is a discriminator
 * @throws PixtapeError that says what does not go together, and which sizes work.
 */
export function checkNetworks(config: NetworksConfig, width: number, height: number, judged = true): void {
  const { netG, netD, norm, generator } = config;
  if (netG === 'tutorial') refuseNorm(norm, ...TUTORIAL_NORM.generator);
  if (judged && netD === 'tutorial') refuseNorm(norm, ...TUTORIAL_NORM.discriminator);
  checkSides(width, height, generator.depth, netG);
  const least = judged ? LEAST_SIDE[netD] : 1;
  if (Math.min(width, height) >= least) return;
  const unit = 2 ** generator.depth;
  throw new PixtapeError(
    `pictures of ${width} × ${height} leave the PatchGAN nothing to judge: both sides must be at least ${least}`,
    `Sizes that work: multiples of ${unit} from ${Math.ceil(least / unit) * unit} on.`,
  );
}
