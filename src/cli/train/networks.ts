import { PixtapeError } from '../../engine/util/errors.ts';
import type { GeneratorConfig } from '../../pix2pix/models/generators/config.ts';
import { type NetworksConfig, parseGeneratorName } from '../../pix2pix/models/networks.ts';
import { DISCRIMINATORS } from '../../pix2pix/models/registry/discriminators.ts';
import { GENERATORS, type NetG } from '../../pix2pix/models/registry/generators.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import type { TrainFlags } from './flags.ts';

/** The flags that choose the networks. */
export type NetworkFlags = Pick<
  TrainFlags,
  | 'netG'
  | 'netD'
  | 'n_layers_D'
  | 'condition_GAN'
  | 'norm'
  | 'ngf'
  | 'ndf'
  | 'depth'
  | 'dropout'
  | 'init'
  | 'input_nc'
  | 'output_nc'
>;

/**
 * Applies the flags to the networks of `base`. A network of another kind starts from its own widths and initial
 * weights, not from the base's.
 * @throws PixtapeError if --netG and --depth contradict each other, or --netD and --n_layers_D
 */
export function networksOf(
  base: NetworksConfig & Pick<TrainConfig, 'init'>,
  flags: Partial<NetworkFlags>,
): NetworksConfig & Pick<TrainConfig, 'init'> {
  const { netG, generator } = generatorOf(base, flags);
  const { netD = base.netD } = flags;
  const kind = GENERATORS[netG];
  const disc = DISCRIMINATORS[netD];
  const { dropout, n_layers_D: layers } = flags;
  if (layers !== undefined && !disc.layered) {
    throw new PixtapeError(
      `--n_layers_D ${layers}: ${disc.title} has no choice of layers`,
      'Add --netD n_layers, or leave --n_layers_D out.',
    );
  }
  return {
    netG,
    netD,
    norm: flags.norm ?? base.norm,
    generator: {
      ...generator,
      inChannels: flags.input_nc ?? generator.inChannels,
      outChannels: flags.output_nc ?? generator.outChannels,
      hidden: flags.ngf ?? generator.hidden,
      dropout: dropout === undefined ? generator.dropout : dropout ? 0.5 : 0,
    },
    discHidden: flags.ndf ?? (disc.hidden === DISCRIMINATORS[base.netD].hidden ? base.discHidden : disc.hidden),
    discLayers: layers ?? base.discLayers,
    discConditional: flags.condition_GAN ?? base.discConditional,
    init: flags.init ?? (netG === base.netG ? base.init : (kind.init ?? base.init)),
  };
}

/** The kind of generator and its depth. */
function generatorOf(
  base: NetworksConfig,
  { netG: name, depth }: Partial<NetworkFlags>,
): { netG: NetG; generator: GeneratorConfig } {
  const named = name === undefined ? { netG: base.netG } : parseGeneratorName(name);
  if (!named) throw new PixtapeError(`--netG ${name}: expected tutorial, or unet_32, unet_64, …`);
  const { netG, ...sizes } = named;
  const kind = GENERATORS[netG];
  const { inChannels, outChannels } = base.generator;
  const from = netG === base.netG ? base.generator : { ...kind.defaults, inChannels, outChannels };
  const generator = { ...from, ...sizes };
  if (depth === undefined) return { netG, generator };
  const deeper = { ...generator, depth };
  // If the name determines the depth, the flag must agree.
  if (kind.nameOf(deeper) === kind.nameOf(generator)) return { netG, generator: deeper };
  throw new PixtapeError(
    `--depth ${depth}: ${kind.nameOf(generator)} has ${generator.depth} levels`,
    'Choose them with --netG.',
  );
}
