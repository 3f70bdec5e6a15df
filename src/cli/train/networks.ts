import { PixtapeError } from '../../engine/util/errors.ts';
import { PAPER_GENERATOR, TUTORIAL_GENERATOR } from '../../pix2pix/models/generator.ts';
import { type NetworksConfig, parseGeneratorName } from '../../pix2pix/models/networks.ts';
import { PRESETS, type TrainConfig } from '../../pix2pix/train/config/config.ts';
import type { TrainFlags } from './flags.ts';

/** The flags that say which networks there are. */
export type NetworkFlags = Pick<TrainFlags, 'netG' | 'netD' | 'norm' | 'ngf' | 'ndf' | 'depth' | 'dropout' | 'init'>;

/**
 * The networks that the flags ask for, on top of `base`. One of another kind than the base's comes with its own widths and
 * initial weights, not those that were chosen for the base's.
 * @throws PixtapeError if --netG and --depth contradict each other.
 */
export function networksOf(
  base: NetworksConfig & Pick<TrainConfig, 'init'>,
  flags: Partial<NetworkFlags>,
): NetworksConfig & Pick<TrainConfig, 'init'> {
  const named = flags.netG === undefined ? base : parseGeneratorName(flags.netG);
  if (!named) throw new PixtapeError(`--netG ${flags.netG}: tutorial, or unet_32, unet_64, … are wanted`);
  const { netG } = named;
  const { netD = base.netD } = flags;
  const another = netG !== base.netG;
  const { inChannels, outChannels } = base.generator;
  const own = netG === 'unet' ? PAPER_GENERATOR : TUTORIAL_GENERATOR;
  const from = another ? { ...own, inChannels, outChannels } : base.generator;
  const levels = 'depth' in named ? named.depth : from.depth;
  const depth = netG === 'unet' && levels !== undefined ? levels : (flags.depth ?? from.depth);
  if (netG === 'unet' && flags.depth !== undefined && flags.depth !== depth) {
    throw new PixtapeError(
      `--depth ${flags.depth}: unet_${2 ** depth} has ${depth} levels`,
      'Choose them with --netG.',
    );
  }
  const paperD = (net: NetworksConfig['netD']) => net !== 'tutorial';
  const ownD = PRESETS[paperD(netD) ? 'paper' : 'tutorial'].discHidden;
  return {
    netG,
    netD,
    norm: flags.norm ?? base.norm,
    generator: {
      ...from,
      hidden: flags.ngf ?? from.hidden,
      depth,
      dropout: flags.dropout === undefined ? from.dropout : flags.dropout ? 0.5 : 0,
    },
    discHidden: flags.ndf ?? (paperD(netD) === paperD(base.netD) ? base.discHidden : ownD),
    init: flags.init ?? (another && netG === 'unet' ? 'paper' : base.init),
  };
}
