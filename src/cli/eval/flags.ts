import { DATA_SOURCES } from '../../pix2pix/data/sets/dataset.ts';
import { wholeNumber, wholeNumberOrNone } from '../flags/arguments.ts';
import { Command } from '../flags/commander.ts';
import { adapterOption, CHECKPOINT_HELP, choice, type FlagsOf, runsOption } from '../flags/flags.ts';

export type EvalFlags = FlagsOf<typeof evalFlags>;

/** `pixtape eval` with all its options; commander infers their types. */
export function evalFlags() {
  return new Command('eval')
    .description('Measure a checkpoint on held-out pictures: L1, PSNR, SSIM, colour and FCN scores, beside baselines.')
    .argument('<checkpoint>', CHECKPOINT_HELP)
    .argument('[dataroot]', "a folder of pairs, held out as train does it (default: the run's own data)")
    .option('--l1 <checkpoint>', 'the same generator trained with --gan_mode none, to be measured as well')
    .option('--dataroot <dir>', 'the same as the argument, as train has it')
    .addOption(choice('--data <set>', 'another set, as train has it', DATA_SOURCES))
    .addOption(choice('--direction <way>', "BtoA paints A from B (default: the run's)", ['AtoB', 'BtoA']))
    .addOption(choice('--resize <mode>', "how pictures get their size (default: the run's)", ['nearest', 'bilinear']))
    .option('--fcn', 'also segment the pictures with a network trained on the real ones, and compare label maps')
    .option('--num_test <n>', 'at most n pictures, spread over the held-out ones (default: all)', wholeNumberOrNone(1))
    .option('--skip_bad', 'skip unreadable pictures, each with a warning')
    .option('--json <file>', 'write the scores, of every picture too')
    .option('--sheet <file>', 'draw condition, L1 alone, ours and real side by side, a PNG')
    .option('--samples <n>', 'pictures on the sheet', wholeNumber(1), 8)
    .option('--dropout', "keep dropout and the batch's own statistics on, as the paper does at test time")
    .option('--eval', "PyTorch's evaluation mode also where one batch norm serves two places: its running statistics")
    .option('--seed <n>', "of the dropout (default: the run's)", wholeNumber(0))
    .addOption(runsOption())
    .addOption(adapterOption())
    .allowExcessArguments(false);
}
