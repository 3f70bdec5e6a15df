import { exportFacades, exportOpenmoji } from '../../pix2pix/data/make/build_pairs.ts';
import { exportPhotos, STAMPS } from '../../pix2pix/data/make/photos.ts';
import { withStampsPackage } from '../../pix2pix/data/make/stamps_package.ts';
import { between, pictureSize, wholeNumber } from '../flags/arguments.ts';
import { Command, Option } from '../flags/commander.ts';
import { shellQuoted } from '../run/text.ts';
import { counted, tellCounts, tellHowToTrain, warn } from './report.ts';

export function openmojiCommand() {
  return new Command('openmoji')
    .description(
      'Write the emoji set as side-by-side pairs, colour left and line drawing right, split like --data openmoji.',
    )
    .argument('<out>', 'a new folder')
    .addOption(
      new Option('--crop_size <size>', 'side of a picture, or WIDTHxHEIGHT')
        .argParser(pictureSize)
        .default({ width: 64, height: 64 }, '64'),
    )
    .option('--groups <names...>', 'only these groups or subgroups')
    .allowExcessArguments(false)
    .addHelpText('after', '\nExample: pixtape data openmoji emoji --crop_size 128 --groups smileys-emotion')
    .action(async (out, flags) => {
      const { crop_size: size, groups } = flags;
      const counters = { onRendered: counted('rendered'), onWritten: counted('written') };
      const made = await exportOpenmoji(out, {
        ...size,
        ...(groups ? { groups } : {}),
        ...counters,
        skipBad: false,
        warn,
      });
      tellCounts(out, made);
      tellHowToTrain(out);
      console.log('The pictures are by OpenMoji, licence CC BY-SA 4.0; see CREDITS.txt there.');
    });
}

export function facadesCommand() {
  return new Command('facades')
    .description(
      "Write procedurally drawn facades in the layout of CMP's set as pix2pix users have it: facade left, label map right, 512 × 256, a fifth in test. train --data facades-toy uses 500 of seed 0.",
    )
    .argument('<out>', 'a new folder')
    .option('--n <n>', 'how many', wholeNumber(2), 500)
    .option('--seed <n>', 'others with another seed', wholeNumber(0), 0)
    .addOption(new Option('--format <format>', 'the real set is jpg').choices(['png', 'jpg']).default('png'))
    .allowExcessArguments(false)
    .addHelpText('after', '\nExample: pixtape data facades facades-toy --n 100 --seed 1')
    .action(async (out, { n, seed, format }) => {
      const counters = { onWritten: counted('drawn') };
      const made = await exportFacades(out, { count: n, seed, format, skipBad: false, warn, ...counters });
      tellCounts(out, made);
      tellHowToTrain(out);
    });
}

export function photosCommand() {
  return new Command('photos')
    .description(
      "Copy the photographs among Tux Paint's stamps (animals, plants, food, things; GPL-2+) into a folder, on white, with credits: real colour pictures for data gray and data edges. They come from Debian's package tuxpaint-stamps-default.",
    )
    .argument('<out>', 'a new folder')
    .option('--from <dir>', 'the folder "stamps" of the package, installed or unpacked', STAMPS)
    .option('--download', 'fetch the package with apt-get (161 MB) and unpack it, without installing and without root')
    .option('--test <share>', 'hold out this share, e.g. 0.1, by name, into train/ and test/', between(0, 1))
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      '\nExample: pixtape data photos photos --download\n         pixtape data gray photos gray --crop_size 256 --fit pad --test 0.1',
    )
    .action(async (out, { from, download, test }) => {
      const counters = { onLooked: counted('looked at'), onWritten: counted('written') };
      const options = { ...(test === undefined ? {} : { test }), skipBad: false, warn, ...counters };
      const copy = (stamps: string) => exportPhotos(stamps, out, options);
      const made = download ? await withStampsPackage((line) => console.log(line), copy) : await copy(from);
      tellCounts(out, made, 'photographs');
      console.log(
        `Tux Paint's stamps, GPL-2 or later; see CREDITS.txt there. Pairs: pixtape data gray ${shellQuoted(out)} PAIRS`,
      );
    });
}
