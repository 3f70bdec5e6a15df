import { relative } from 'node:path';
import { Command, Option } from 'commander';
import { checkFolder } from '../data/check.ts';
import { combineFolders, exportOpenmoji, type Made } from '../data/make.ts';
import { PixtapeError } from '../util/errors.ts';
import { pictureSize } from './arguments.ts';
import { counter } from './counter.ts';

const warn = (line: string) => console.warn(`warning: ${line}`);

export function dataCommand(): Command {
  return new Command('data')
    .description('Check and make folders of paired pictures.')
    .addCommand(checkCommand())
    .addCommand(combineCommand())
    .addCommand(openmojiCommand());
}

function checkCommand(): Command {
  return new Command('check')
    .description(
      'Decode every picture of a folder as train would, and list those that cannot be used, with the reason.',
    )
    .argument('<dir>', 'side-by-side pairs, or A/ and B/ folders')
    .allowExcessArguments(false)
    .addHelpText('after', '\nExample: pixtape data check facades\nExits with 1 when a file is bad.')
    .action(check);
}

async function check(dir: string): Promise<void> {
  const { description, train, test, sizes, faults } = await checkFolder(dir);
  const parts = test === undefined ? `${train} good pairs` : `${train} good pairs for training, ${test} for testing`;
  console.log(`${dir}: ${description}: ${parts}`);
  for (const { width, height, pairs } of sizes.slice(0, 5)) {
    console.log(`  ${pairs} × ${width} × ${height} a side`);
  }
  if (sizes.length > 5) console.log(`  and ${sizes.length - 5} more sizes`);
  for (const { path, reason, advice } of faults) console.log(`bad  ${relative(dir, path)} ${reason}\n     → ${advice}`);
  if (faults.length > 0) {
    console.log(`${faults.length} bad file${faults.length === 1 ? '' : 's'}; train --skip_bad goes on without`);
    process.exitCode = 1;
  }
}

function combineCommand(): Command {
  return new Command('combine')
    .description(
      'Join two folders into side-by-side pairs: A left (what is painted), B right (what it is painted from). Files match by name without extension; train/ and test/ (or val/) folders below A and B are kept.',
    )
    .argument('<a>', 'folder of the left halves')
    .argument('<b>', 'folder of the right halves')
    .argument('<out>', 'a new folder')
    .option('--skip_bad', 'leave bad files out and go on')
    .allowExcessArguments(false)
    .addHelpText('after', '\nExample: pixtape data combine photos drawings pairs')
    .action(async (a: string, b: string, out: string, { skip_bad = false }: { skip_bad?: boolean }) => {
      const made = await combineFolders(a, b, out, { skipBad: skip_bad, warn, onWritten: counted('written') });
      if (made.train === 0) throw new PixtapeError(`no pair of ${a} and ${b} could be used`);
      tell(out, made);
    });
}

function openmojiCommand(): Command {
  return new Command('openmoji')
    .description(
      'Write the emoji set as side-by-side pairs, colour left and line drawing right, split as --data openmoji is.',
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
    .action(async (out: string, flags: { crop_size: { width: number; height: number }; groups?: string[] }) => {
      const { crop_size: size, groups } = flags;
      const counters = { onRendered: counted('rendered'), onWritten: counted('written') };
      const made = await exportOpenmoji(out, {
        ...size,
        ...(groups ? { groups } : {}),
        ...counters,
        skipBad: false,
        warn,
      });
      tell(out, made);
      console.log('The pictures are by OpenMoji, licence CC BY-SA 4.0; see CREDITS.txt there.');
    });
}

function tell(out: string, { train, test }: Made): void {
  console.log(`${out}: ${test > 0 ? `${train} pairs in train, ${test} in test` : `${train} pairs`}`);
  console.log(`train on it: npx pixtape train --dataroot ${out}`);
}

/** Shows how far it is, on a terminal. */
const counted = (what: string) => counter((done, total) => `${done} of ${total} ${what}`);
