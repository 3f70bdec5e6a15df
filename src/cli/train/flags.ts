import { NORMS } from '../../engine/nn/norm.ts';
import { DATA_SOURCES } from '../../pix2pix/data/sets/dataset.ts';
import { generatorName } from '../../pix2pix/models/networks.ts';
import { NETS_D } from '../../pix2pix/models/registry/discriminators.ts';
import { GENERATORS } from '../../pix2pix/models/registry/generators.ts';
import { INITS } from '../../pix2pix/models/registry/kind.ts';
import { PRESET_NAMES, PRESETS, type TrainConfig } from '../../pix2pix/train/config/config.ts';
import { GAN_MODES } from '../../pix2pix/train/config/gan_loss.ts';
import { LR_DECAY_ITERS, LR_POLICIES } from '../../pix2pix/train/config/rates.ts';
import { between, pictureSize, valueRange, wholeNumber, wholeNumberOrNone } from '../flags/arguments.ts';
import { Command, Option, type TypedCommand } from '../flags/commander.ts';
import { adapterOption, choice, DISTRIBUTED, type FlagsOf, GRAD_COMPRESSIONS } from '../flags/flags.ts';

export type TrainFlags = FlagsOf<typeof pairFlags> &
  FlagsOf<typeof discriminatorFlags> &
  FlagsOf<typeof scheduleFlags> &
  FlagsOf<typeof cycleFlags> &
  FlagsOf<typeof rankFlags>;

/** `pixtape train` with all its options; commander infers their types. */
export function trainFlags() {
  const command = pairFlags();
  for (const part of [discriminatorFlags(), scheduleFlags(), cycleFlags(), rankFlags()]) {
    for (const option of part.options) command.addOption(option);
  }
  return command as unknown as TypedCommand<[], TrainFlags>;
}

/** The options of `train` that choose a model, and the adapter on which it trains. */
export function modelOptions() {
  return trainFlags().options.filter(
    ({ long, helpGroupHeading }) => helpGroupHeading === 'Model:' || long === '--adapter',
  );
}

/** Declared in four parts, because types can be inferred for about sixty options at most. */
function scheduleFlags() {
  return new Command()
    .optionsGroup('Data:')
    .option('--serial_batches', 'take pairs in the order of their names (default: shuffled in every epoch)')
    .optionsGroup('Run:')
    .addOption(
      new Option(
        '--epoch <n>',
        'with --continue_train: go back to the checkpoint of epoch n (default: latest)',
      ).argParser((text) => (text === 'latest' ? text : wholeNumber(1)(text))),
    )
    .option(
      '--load_iter <n>',
      'with --continue_train: go back to the checkpoint of step n (0: the latest)',
      wholeNumber(0),
    )
    .option('--save_by_iter', 'keep the checkpoint of each --save_latest_freq, as iter-STEP.safetensors')
    .optionsGroup('Optimisation:')
    .addOption(
      choice(
        '--lr_policy <policy>',
        'linear: constant for --n_epochs, then down to 0 over --n_epochs_decay; step: a tenth every --lr_decay_iters epochs; ' +
          'plateau: a fifth when the mean L1 of six epochs is no better; cosine: down to 0 over --n_epochs (default: linear)',
        LR_POLICIES,
      ),
    )
    .option(
      '--ema <decay>',
      `use weights averaged over steps for samples and all other output; decay of the average per step, 0: none${each((c) => c.ema)}`,
      between(0, 1, true),
    )
    .option('--lr_decay_iters <n>', `step: epochs between two reductions (default: ${LR_DECAY_ITERS})`, wholeNumber(1));
}

function discriminatorFlags() {
  return new Command()
    .optionsGroup('Model:')
    .addOption(
      choice(
        '--netD <name>',
        `discriminator: the tutorial's PatchGAN, or the paper's of 70 × 70 pixels (basic), of --n_layers_D layers or 1 × 1${each((c) => c.netD)}`,
        NETS_D,
      ),
    )
    .option(
      '--n_layers_D <n>',
      `n_layers: 1 sees patches of 16 × 16 pixels, 2 34, 3 70, 4 142, 5 286${each((c) => c.discLayers)}`,
      wholeNumber(1),
    )
    .option('--ndf <n>', `channels of the discriminator's first level${each((c) => c.discHidden)}`, wholeNumber(1))
    .option('--condition_GAN', 'pix2pix: the discriminator sees the condition beside the picture (the default)')
    .option('--no-condition_GAN', 'it sees the picture alone');
}

function cycleFlags() {
  const positive = between(0, Number.POSITIVE_INFINITY);
  return new Command()
    .optionsGroup('CycleGAN:')
    .addOption(
      choice('--model <kind>', 'pix2pix: from pairs; cycle_gan: from two folders of pictures, trainA/ and trainB/', [
        'pix2pix',
        'cycle_gan',
      ]).default('pix2pix'),
    )
    .option('--lambda_A <weight>', 'cycle_gan: weight of A → B → A (default: 10)', positive)
    .option('--lambda_B <weight>', 'cycle_gan: weight of B → A → B (default: 10)', positive)
    .option(
      '--lambda_identity <share>',
      'cycle_gan: weight of the identity loss, relative to the two above (default: 0.5)',
      between(0, Number.POSITIVE_INFINITY, true),
    )
    .option(
      '--pool_size <n>',
      "cycle_gan: pictures that each discriminator's pool keeps (default: 50)",
      wholeNumber(0),
    );
}

/** Flags of a run in several processes. */
function rankFlags() {
  return new Command()
    .optionsGroup('Several processes (mpirun, srun):')
    .addOption(
      choice(
        '--distributed <how>',
        'auto: train with the processes that an MPI launcher has started; mpi: always; none: each by itself',
        DISTRIBUTED,
      ).default('auto'),
    )
    .option('--sync_batchnorm', 'batch norm over the batches of all processes, instead of each over its own')
    .addOption(
      choice(
        '--grad_compression <kind>',
        'f16: send gradients as halves, and carry the rounding error to the next step (default: none)',
        GRAD_COMPRESSIONS,
      ),
    );
}

function pairFlags() {
  const positive = between(0, Number.POSITIVE_INFINITY);
  const generators = Object.values(GENERATORS);
  return new Command('train')
    .description('Train a generator on pairs of pictures. Measures it on held-out pairs, and saves checkpoints.')
    .optionsGroup('Data:')
    .option(
      '--dataroot <dir>',
      'side-by-side pairs (left A, right B), or folders A/ and B/; with or without train/ and test/',
    )
    .addOption(choice('--data <set>', 'where pictures come from', DATA_SOURCES).default('folder'))
    .addOption(choice('--direction <way>', 'BtoA paints A from B', ['AtoB', 'BtoA']).default('BtoA'))
    .option('--groups <names...>', 'openmoji: only these groups or subgroups (default: all)')
    .option('--max_dataset_size <n>', 'use no more than n training pairs (inf: all)', wholeNumberOrNone(1))
    .option('--skip_bad', 'skip unreadable pictures, each with a warning')
    .addOption(
      choice(
        '--resize <mode>',
        'how pictures get their size; bilinear blends label maps (default: nearest, paper bilinear)',
        ['nearest', 'bilinear'],
      ),
    )
    .option('--flip', 'mirror pairs at random (--no-flip: do not; default: off, paper on)')
    .addOption(new Option('--no-flip').hideHelp())
    .option('--jitter', 'enlarge pairs by 286/256 and cut out at random (--no-jitter: do not; default: off, paper on)')
    .addOption(new Option('--no-jitter').hideHelp())
    .option('--load_size <size>', 'the same, as pix2pix has it: --load_size 286 --crop_size 256', pictureSize)
    .option(
      '--input_nc <n>',
      'channels of the condition (default: 3): 1 makes it grey; other counts need TIFF or .npy with as many bands',
      wholeNumber(1),
    )
    .option('--output_nc <n>', 'channels of the output (default: 3)', wholeNumber(1))
    .option(
      '--range <min,max>',
      'the values that become 0 and 1, for files whose values are not bytes: 0,4095',
      valueRange,
    )
    .optionsGroup('Run:')
    .option('--name <name>', 'the run, a folder in --checkpoints_dir (default: made from data and preset)')
    .option('--checkpoints_dir <dir>', 'where runs go', 'runs')
    .option('--continue_train', 'continue the run of that --name, bit for bit as if it had never stopped')
    .option(
      '--n_epochs <n>',
      `epochs before --n_epochs_decay, e.g. 0.5${each((c) => c.epochs)}`,
      between(0, Number.POSITIVE_INFINITY, true),
    )
    .option(
      '--n_epochs_decay <n>',
      `epochs after them, in which --lr_policy linear brings the rate down${each((c) => c.epochsDecay)}`,
      between(0, Number.POSITIVE_INFINITY, true),
    )
    .option('--steps <n>', 'stop after n steps in all, instead of after the epochs', wholeNumber(1))
    .option('--minutes <m>', 'stop after m minutes of training in this session, if that comes first', positive)
    .option('--seed <n>', `decides weights, order and dropout${each((c) => c.seed)}`, wholeNumber(0))
    .addOption(adapterOption())
    .option('--samples <n>', 'held-out pictures in a sample grid', wholeNumber(1), 8)
    .option(
      '--num_test <n>',
      'measure held-out L1 on at most n pictures (inf: all), spread over the test set, for a tenth of the run at most',
      wholeNumberOrNone(1),
      256,
    )
    .option('--print_freq <n>', 'steps between two readings of the losses (at least every 5 s)', wholeNumber(1), 20)
    .option('--display_freq <n>', 'steps between two sample grids (default: 400, quick 100)', wholeNumber(1))
    .option(
      '--save_latest_freq <n>',
      'steps between two checkpoints (default: 1000, quick 250; at least every 5 min)',
      wholeNumber(1),
    )
    .option('--save_epoch_freq <n>', 'also keep a checkpoint every n epochs (0: never)', wholeNumber(0), 0)
    .option('--open', 'show the report in a browser when done')
    .option('--tune', 'first measure which kernels are fastest here, as a run on an unknown GPU does; see pixtape tune')
    .option('--no-tune', 'use the kernels of the shipped table and ignore measurements')
    .optionsGroup('Model:')
    .addOption(
      choice(
        '--preset <name>',
        "tutorial: the tutorial's own model and constants; quick: a small, improved one for a machine without a GPU; " +
          "paper: the paper's networks, constants, jitter and flip",
        PRESET_NAMES,
      ).default('tutorial'),
    )
    .option('--crop_size <size>', `side of the pictures, or WIDTHxHEIGHT${each((c) => c.width)}`, pictureSize)
    .option('--batch_size <n>', `pairs in a step${each((c) => c.batch)}`, wholeNumber(1))
    .addOption(
      choice(
        '--netG <name>',
        `generator: ${generators.map(({ help }) => help).join(', or ')}${each(generatorName)}`,
        generators.flatMap(({ choices }) => choices),
      ),
    )
    .addOption(
      choice(
        '--gan_mode <mode>',
        `loss: cross-entropy, least squares, or L1 alone${each((c) => c.ganMode)}`,
        GAN_MODES,
      ),
    )
    .addOption(choice('--norm <kind>', `of the paper's networks${each((c) => c.norm)}`, NORMS))
    .option('--ngf <n>', `channels of the generator's first level${each((c) => c.generator.hidden)}`, wholeNumber(1))
    .option('--depth <n>', `levels of the generator${each((c) => c.generator.depth)}`, wholeNumber(1))
    .option('--dropout', `dropout of 0.5 in the generator${each((c) => (c.generator.dropout > 0 ? 'on' : 'off'))}`)
    .option('--no-dropout', 'no dropout')
    .addOption(
      choice(
        '--init <scheme>',
        `initial weights: convolutions N(0, 0.02), batch norm around 0 (tutorial) or 1 (paper); he: scaled by fan-in, batch norm around 1${each((c) => c.init)}`,
        INITS,
      ),
    )
    .optionsGroup('Optimisation:')
    .option('--lr <rate>', `Adam's learning rate, for both networks unless --lr_D${each((c) => c.lr)}`, positive)
    .option('--lr_D <rate>', `the PatchGAN's learning rate${each((c) => c.lrDisc)}`, positive)
    .option('--beta1 <b>', `Adam's decay of the gradient's mean${each((c) => c.beta1)}`, between(0, 1, true))
    .option('--beta2 <b>', `Adam's decay of its square${each((c) => c.beta2)}`, between(0, 1))
    .option(
      '--lambda_L1 <weight>',
      `weight of the L1 term${each((c) => c.lambdaL1)}`,
      between(0, Number.POSITIVE_INFINITY, true),
    )
    .option(
      '--lambda_ssim <weight>',
      `weight of the structural term, 1 − SSIM${each((c) => c.lambdaSsim)}; 0 with --gan_mode none, unless given`,
      between(0, Number.POSITIVE_INFINITY, true),
    )
    .option(
      '--reuse_fake',
      `one forward pass of the generator per step, a quarter faster${each((c) => (c.reuseFake ? 'on' : 'off'))}`,
    )
    .option('--no-reuse_fake', 'two forward passes, as in the tutorial')
    .option(
      '--checkpoint_activations',
      'less memory for large pictures: recompute parts of the generator in the backward pass, with the same bits',
    )
    .option('--no-checkpoint_activations', 'keep all activations (the default)')
    .addOption(
      choice(
        '--precision <kind>',
        'f16: store activations in half precision, if the adapter has shader-f16; only matrix units multiply halves (default: f32)',
        ['f32', 'f16'],
      ),
    )
    .allowExcessArguments(false);
}

/** ` (default: 4)`, or ` (default: 256, quick 64)` if a preset differs from the tutorial's. */
function each(value: (config: TrainConfig) => unknown): string {
  const usual = value(PRESETS.tutorial);
  const others = (['quick', 'paper'] as const).filter((name) => value(PRESETS[name]) !== usual);
  return ` (default: ${[usual, ...others.map((name) => `${name} ${value(PRESETS[name])}`)].join(', ')})`;
}
