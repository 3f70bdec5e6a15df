import { Command, Option } from 'commander';
import { DATA_SOURCES, type DataOptions } from '../../pix2pix/data/sources/open.ts';
import { wholeNumber } from '../shared/arguments.ts';
import { evaluateCheckpoint } from './start.ts';

export interface EvalFlags {
  l1?: string;
  dataroot?: string;
  data?: DataOptions['data'];
  direction?: DataOptions['direction'];
  resize?: DataOptions['resize'];
  num_test?: number;
  skip_bad?: boolean;
  json?: string;
  sheet?: string;
  samples: number;
  dropout?: boolean;
  seed?: number;
  checkpoints_dir: string;
  adapter: string;
}

const EXAMPLES = `
Examples:
  pixtape eval facades                                 the run of that name, on the pictures that it never saw
  pixtape eval facades --l1 facades-l1 --sheet facades.png --json facades.json
  pixtape eval runs/facades/epoch-100.safetensors other_facades
  pixtape eval facades --dropout                       with each picture's own statistics, not those of the training

The generator is measured beside three that know less: the condition itself, the mean of all training pictures, and the
same generator trained without a discriminator, where --l1 names such a run (train --gan_mode none, all other flags the
same). It paints in evaluation mode, each picture by itself, just as translate does, with --dropout too; nothing is rounded
before it is measured.

  L1             mean absolute difference from the real picture, values 0 to 1
  PSNR           10 log10(1 / mean squared error) of each picture in dB, then the mean over the pictures; data range 1;
                 a picture met exactly has no finite one and is left out, which is said
  SSIM           Wang et al. 2004: Gaussian window of 11 × 11 pixels, sigma 1.5, K1 0.01, K2 0.03, each channel by itself,
                 windows within the picture only
  saturation     mean saturation of HSV, 0 to 1
  colourfulness  Hasler and Süsstrunk 2003: 15 is slightly, 45 quite, 82 highly colourful`;

export function evalCommand(): Command {
  return new Command('eval')
    .description('Measure a checkpoint on held-out pictures: L1, PSNR, SSIM and colour, beside baselines.')
    .argument('<checkpoint>', 'a checkpoint, the folder of a run, or the name of one')
    .argument('[dataroot]', "a folder of pairs, held out as train does it (default: the run's own data)")
    .option('--l1 <checkpoint>', 'the same generator trained with --gan_mode none, to be measured as well')
    .option('--dataroot <dir>', 'the same as the argument, as train has it')
    .addOption(new Option('--data <set>', 'another set, as train has it').choices([...DATA_SOURCES]))
    .addOption(new Option('--direction <way>', "BtoA paints A from B (default: the run's)").choices(['AtoB', 'BtoA']))
    .addOption(
      new Option('--resize <mode>', "how pictures get their size (default: the run's)").choices([
        'nearest',
        'bilinear',
      ]),
    )
    .option('--num_test <n>', 'at most n pictures, spread over the held-out ones (default: all)', wholeNumber(1))
    .option('--skip_bad', 'leave unreadable pictures out, each with a warning, and go on')
    .option('--json <file>', 'write the scores, of every picture too')
    .option('--sheet <file>', 'draw condition, L1 alone, ours and real side by side, a PNG')
    .option('--samples <n>', 'pictures on the sheet', wholeNumber(1), 8)
    .option('--dropout', "keep dropout and the batch's own statistics on, as the paper does at test time")
    .option('--seed <n>', "of the dropout (default: the run's)", wholeNumber(0))
    .option('--checkpoints_dir <dir>', 'where runs are, for a name', 'runs')
    .option('--adapter <name>', 'auto, gpu, lavapipe, swiftshader, or part of a name; see pixtape doctor', 'auto')
    .allowExcessArguments(false)
    .addHelpText('after', EXAMPLES)
    .action((checkpoint: string, dataroot: string | undefined, flags: EvalFlags) =>
      evaluateCheckpoint(checkpoint, dataroot === undefined ? flags : { ...flags, dataroot }),
    );
}
