import {
  GAN_PRESET_NAMES,
  GAN_PRESETS,
  type GanConfig,
  type GanPresetName,
} from '../../pix2pix/train/config/gan_config.ts';
import { between, wholeNumber } from '../flags/arguments.ts';
import { Command, InvalidArgumentError, Option } from '../flags/commander.ts';
import { adapterOption, choice, type FlagsOf } from '../flags/flags.ts';

/** Default steps between sample grids and between checkpoints. */
export const GAN_INTERVALS: Readonly<Record<GanPresetName, { sample: number; save: number }>> = {
  dcgan: { sample: 500, save: 1000 },
  quick: { sample: 250, save: 500 },
};

export type GanFlags = FlagsOf<typeof ganFlags>;

/** `pixtape gan` with all its options; commander infers their types. */
export function ganFlags() {
  const positive = between(0, Number.POSITIVE_INFINITY);
  return new Command('gan')
    .description(
      'Train a GAN that makes pictures from noise (DCGAN), and with classes the kind of picture that it is asked for.',
    )
    .argument('[dir]', 'a folder of pictures of any size: their middle is cut out as a square')
    .optionsGroup('Data:')
    .addOption(
      choice('--data <set>', 'where pictures come from; smileys: OpenMoji faces in four classes', [
        'folder',
        'openmoji',
        'smileys',
      ]).default('folder'),
    )
    .option('--groups <names...>', 'openmoji: only these groups or subgroups (default: all)')
    .option('--classes [csv]', 'pictures have classes: the folders in DIR, or a table with lines of file,class')
    .option('--flip', 'mirror pictures at random (default: only smileys)')
    .option('--no-flip', 'do not')
    .option('--augment', 'turn, shift and scale pictures a little at random (default: only smileys)')
    .option('--no-augment', 'do not')
    .option('--skip_bad', 'skip unreadable pictures, each with a warning')
    .optionsGroup('Run:')
    .option('--name <name>', 'the run, a folder in --checkpoints_dir (default: made from data and preset)')
    .option('--checkpoints_dir <dir>', 'where runs go', 'runs')
    .option('--continue_train', 'continue the run of that --name, bit for bit as if it had never stopped')
    .option('--steps <n>', `stop after n steps in all${each((c) => c.steps)}`, wholeNumber(1))
    .option(
      '--steps_decay <n>',
      `the last n of them bring the learning rates down to zero${each((c) => c.stepsDecay)}`,
      wholeNumber(0),
    )
    .option('--minutes <m>', 'stop after m minutes of training in this session, if that comes first', positive)
    .option('--seed <n>', `decides weights, noise and order${each((c) => c.seed)}`, wholeNumber(0))
    .addOption(adapterOption())
    .option('--samples <n>', 'pictures in a sample grid (default: 64, with classes 8 of each)', wholeNumber(1))
    .option('--print_freq <n>', 'steps between two readings of the losses (at least every 5 s)', wholeNumber(1), 20)
    .option(
      '--display_freq <n>',
      `steps between two sample grids${differing((p) => GAN_INTERVALS[p].sample)}`,
      wholeNumber(1),
    )
    .option(
      '--save_latest_freq <n>',
      `steps between two checkpoints, at least every 5 min${differing((p) => GAN_INTERVALS[p].save)}`,
      wholeNumber(1),
    )
    .option('--save_epoch_freq <n>', 'also keep a checkpoint every n epochs (0: never)', wholeNumber(0), 0)
    .option('--open', 'show the report in a browser when done')
    .option('--tune', 'first measure which kernels are fastest here, as a run on an unknown GPU does')
    .option('--no-tune', 'use the kernels of the shipped table and ignore measurements')
    .optionsGroup('Model:')
    .addOption(
      choice(
        '--preset <name>',
        "dcgan: the paper's sizes; quick: small, for a machine without a GPU",
        GAN_PRESET_NAMES,
      ).default('dcgan'),
    )
    .addOption(
      new Option('--size <side>', `side of the pictures: 32, 64 or 128${each((c) => c.side)}`).argParser(pictureSide),
    )
    .option('--nz <n>', `length of the noise vector${each((c) => c.nz)}`, wholeNumber(1))
    .option('--ngf <n>', `channels of the generator's last level${each((c) => c.ngf)}`, wholeNumber(1))
    .option('--ndf <n>', `channels of the discriminator's first level${each((c) => c.ndf)}`, wholeNumber(1))
    .option('--batch_size <n>', `pictures in a step${each((c) => c.batch)}`, wholeNumber(1))
    .optionsGroup('Optimisation:')
    .option('--lr <rate>', `Adam's learning rate, for both networks unless --lr_D${each((c) => c.lr)}`, positive)
    .option('--lr_D <rate>', `the discriminator's learning rate${each((c) => c.lrDisc)}`, positive)
    .option('--beta1 <b>', `Adam's decay of the gradient's mean${each((c) => c.beta1)}`, between(0, 1, true))
    .option('--beta2 <b>', `Adam's decay of its square${each((c) => c.beta2)}`, between(0, 1))
    .addOption(
      choice('--gan_mode <loss>', `cross-entropy or least squares${each((c) => c.ganMode)}`, ['vanilla', 'lsgan']),
    )
    .option(
      '--label_smoothing <s>',
      `the discriminator's target for real pictures is 1 − s${each((c) => Number((1 - c.realTarget).toFixed(6)))}`,
      between(0, 0.5, true),
    )
    .addOption(
      new Option('--real_target <t>', 'the same as --label_smoothing 1 − t')
        .argParser(between(0.5, 1, true))
        .hideHelp(),
    )
    .option('--matching', 'with classes: also treat real pictures with a wrong class as fakes (default)')
    .option('--no-matching', 'do not')
    .allowExcessArguments(false);
}

/** Parses a side that halves down to 4: a power of two. */
function pictureSide(text: string): number {
  const side = wholeNumber(8)(text);
  if (!Number.isInteger(Math.log2(side)))
    throw new InvalidArgumentError('Expected a power of two, e.g. 32, 64 or 128.');
  return side;
}

const each = (value: (config: GanConfig) => unknown): string => differing((preset) => value(GAN_PRESETS[preset]));

/** ` (default: 4)`, or ` (default: 128, quick 16)` if the presets differ. */
function differing(value: (preset: GanPresetName) => unknown): string {
  const [dcgan, quick] = [value('dcgan'), value('quick')];
  return ` (default: ${dcgan}${quick === dcgan ? '' : `, quick ${quick}`})`;
}
