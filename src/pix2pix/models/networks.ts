import type { Device } from '../../engine/gpu/device.ts';
import type { NormKind } from '../../engine/nn/norm.ts';
import type { Rng } from '../../engine/ops/random/rng.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { BASIC_LAYERS } from './discriminators.ts';
import { checkSides, type GeneratorConfig } from './generators/config.ts';
import { DISCRIMINATORS, type NetD } from './registry/discriminators.ts';
import { GENERATORS, NETS_G, type NetG } from './registry/generators.ts';
import type { Discriminator, PictureGenerator } from './registry/kind.ts';

/** Which networks, and how large. */
export interface NetworksConfig {
  netG: NetG;
  netD: NetD;
  /** Norm of the paper's networks. The tutorial's always have batch norm. */
  norm: NormKind;
  /** For a U-Net `dropoutAt` is always `inner`, and no norm is shared. */
  generator: GeneratorConfig;
  /** Channels of the discriminator's first level. */
  discHidden: number;
  /** Its convolutions of stride 2, which determine the size of a patch; `n_layers` only. */
  discLayers: number;
  /** Whether it sees the condition beside the picture. */
  discConditional: boolean;
}

/** The generator's part of a configuration. */
export type GeneratorParts = Pick<NetworksConfig, 'netG' | 'norm' | 'generator'>;

/** The networks of configurations that do not name any. */
export const TUTORIAL_NETWORKS: Pick<NetworksConfig, 'netG' | 'netD' | 'norm' | 'discLayers' | 'discConditional'> = {
  netG: 'tutorial',
  netD: 'tutorial',
  norm: 'batch',
  discLayers: BASIC_LAYERS,
  discConditional: true,
};

/** @throws PixtapeError if the generator does not support that norm */
export function createGenerator(device: Device, { netG, norm, generator }: GeneratorParts, rng: Rng): PictureGenerator {
  checkNorm(GENERATORS[netG], norm, '--netG unet_256');
  return GENERATORS[netG].create(device, generator, norm, rng);
}

/** @throws PixtapeError if the discriminator does not support that norm */
export function createDiscriminator(device: Device, config: NetworksConfig): Discriminator {
  const { netD, norm, generator, discHidden: hidden, discLayers: layers, discConditional } = config;
  checkNorm(DISCRIMINATORS[netD], norm, '--netD basic');
  return DISCRIMINATORS[netD].create(device, {
    inChannels: generator.outChannels + (discConditional ? generator.inChannels : 0),
    hidden,
    norm,
    layers,
  });
}

function checkNorm(kind: { norms: readonly NormKind[]; title: string }, norm: NormKind, other: string): void {
  if (kind.norms.includes(norm)) return;
  throw new PixtapeError(
    `--norm ${norm}: ${kind.title} is made with ${kind.norms.join(' or ')} norm and no other`,
    `Leave --norm out, or take the paper's networks: ${other}.`,
  );
}

/**
 * A generator by its name, e.g. `tutorial` or `unet_256`, with the sizes that the name stands for; undefined if
 * unknown.
 */
export function parseGeneratorName(name: unknown): ({ netG: NetG } & Partial<GeneratorConfig>) | undefined {
  for (const netG of NETS_G) {
    const sizes = GENERATORS[netG].parse(String(name));
    if (sizes) return { netG, ...sizes };
  }
  return undefined;
}

/** The generator's name, as --netG takes it. */
export function generatorName({ netG, generator }: Pick<NetworksConfig, 'netG' | 'generator'>): string {
  return GENERATORS[netG].nameOf(generator);
}

/** Describes the generator and its size: `U-Net 32/6` is the tutorial's with 32 channels and 6 levels. */
export function describeGenerator({ netG, norm, generator }: GeneratorParts): string {
  return GENERATORS[netG].describe(generator, norm);
}

/**
 * Checks, without creating them, that these networks are possible, and fit pictures of this size.
 * @param judged whether the run has a discriminator
 * @throws PixtapeError saying what does not fit together, and which sizes work
 */
export function checkNetworks(config: NetworksConfig, width: number, height: number, judged = true): void {
  const { netG, netD, norm, generator, discLayers } = config;
  const [gen, disc] = [GENERATORS[netG], DISCRIMINATORS[netD]];
  checkNorm(gen, norm, '--netG unet_256');
  if (judged) checkNorm(disc, norm, '--netD basic');
  const sides = gen.sidesOf(generator);
  checkSides(width, height, sides);
  const least = disc.leastSide(discLayers);
  if (!judged || Math.min(width, height) >= least) return;
  const { unit } = sides;
  throw new PixtapeError(
    `pictures of ${width} × ${height} leave the PatchGAN nothing to judge: both sides must be at least ${least}`,
    `Sizes that work: multiples of ${unit} from ${Math.ceil(least / unit) * unit} on.`,
  );
}
