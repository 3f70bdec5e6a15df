import { FITS } from '../../pix2pix/data/image/fit_picture.ts';
import { gray } from '../../pix2pix/data/image/gray.ts';
import { EDGE_DEFAULTS, edges } from '../../pix2pix/data/make/edges.ts';
import { type PairsFromPictures, pairsFromPictures } from '../../pix2pix/data/make/from_pictures.ts';
import { between, pictureSize } from '../flags/arguments.ts';
import { Command, Option } from '../flags/commander.ts';
import type { FlagsOf } from '../flags/flags.ts';
import { counted, tellCounts, tellHowToTrain, warn } from './report.ts';

export function grayCommand() {
  return picturesCommand('gray')
    .description(
      'Make side-by-side pairs from any pictures, to learn colouring: each picture left (A), the same in grey right (B). Subfolders are included; train/ and test/ (or val/) are kept.',
    )
    .addHelpText('after', '\nExample: pixtape data gray photos pairs --crop_size 256 --test 0.1')
    .action((pictures, out, flags) => make(pictures, out, flags, gray));
}

export function edgesCommand() {
  const { sigma, threshold } = EDGE_DEFAULTS;
  return picturesCommand('edges')
    .description(
      'Make side-by-side pairs from any pictures, to learn painting from outlines: each picture left (A), its Canny edges as black lines on white right (B).',
    )
    .option('--sigma <pixels>', 'blur before edge detection: more blur omits fine detail', between(0, 20, true), sigma)
    .option('--threshold <t>', 'contrast at which a line begins, 1 is black against white', between(0, 1), threshold)
    .addHelpText('after', '\nExample: pixtape data edges shoes pairs --crop_size 256 --sigma 2')
    .action((pictures, out, flags) => make(pictures, out, flags, (picture) => edges(picture, flags)));
}

type PicturesFlags = FlagsOf<typeof picturesCommand>;

function picturesCommand(name: string) {
  return new Command(name)
    .argument('<pictures>', 'a folder of pictures')
    .argument('<out>', 'a new folder')
    .option('--crop_size <size>', 'side of each half, or WIDTHxHEIGHT (default: as the picture is)', pictureSize)
    .addOption(
      new Option(
        '--fit <how>',
        'with --crop_size. crop: fill it, cut off evenly; pad: whole picture on white; keep: no larger, proportions kept',
      )
        .choices(FITS)
        .default('crop'),
    )
    .option('--test <share>', 'hold out this share, e.g. 0.1, by name, into train/ and test/', between(0, 1))
    .option('--skip_bad', 'skip bad files')
    .allowExcessArguments(false);
}

async function make(pictures: string, out: string, flags: PicturesFlags, condition: PairsFromPictures['condition']) {
  const { crop_size: size, fit, test, skip_bad = false } = flags;
  const sizes = { fit, ...(size ? { size } : {}), ...(test === undefined ? {} : { test }) };
  const work = { condition, skipBad: skip_bad, warn, onWritten: counted('written') };
  tellCounts(out, await pairsFromPictures(pictures, out, { ...sizes, ...work }));
  tellHowToTrain(out);
}
