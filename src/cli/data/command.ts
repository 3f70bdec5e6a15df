import { relative } from 'node:path';
import { combineFolders, splitPairs } from '../../pix2pix/data/make/build_pairs.ts';
import { checkFolder } from '../../pix2pix/data/make/check.ts';
import { Command } from '../flags/commander.ts';
import { edgesCommand, grayCommand } from './pictures.ts';
import { counted, tellCounts, tellHowToTrain, warn } from './report.ts';
import { facadesCommand, openmojiCommand, photosCommand } from './sets.ts';

export function dataCommand() {
  return new Command('data')
    .description('Check and make folders of paired pictures.')
    .addCommand(checkCommand())
    .addCommand(combineCommand())
    .addCommand(splitCommand())
    .addCommand(grayCommand())
    .addCommand(edgesCommand())
    .addCommand(facadesCommand())
    .addCommand(openmojiCommand())
    .addCommand(photosCommand());
}

function checkCommand() {
  return new Command('check')
    .description(
      'Decode every picture of a folder as train would. Lists unusable ones with the reason, and what is odd about others: an unusual size, grey among colour, 16 bits, alpha, tiny, not square, duplicates.',
    )
    .argument('<dir>', 'side-by-side pairs, or A/ and B/ folders')
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      '\nExample: pixtape data check facades\nExits with 1 if a file is bad; odd ones are only listed.',
    )
    .action(check);
}

async function check(dir: string): Promise<void> {
  const { description, train, test, sizes, faults, oddities } = await checkFolder(dir);
  const parts = test === undefined ? `${train} good pairs` : `${train} good pairs for training, ${test} for testing`;
  console.log(`${dir}: ${description}: ${parts}`);
  for (const { width, height, pairs } of sizes.slice(0, 5)) {
    console.log(`  ${pairs} × ${width} × ${height} a side`);
  }
  if (sizes.length > 5) console.log(`  and ${sizes.length - 5} more sizes`);
  for (const { path, reason, advice } of faults) console.log(`bad  ${relative(dir, path)} ${reason}\n     → ${advice}`);
  for (const { path, reason } of oddities) console.log(`odd  ${path ? `${relative(dir, path)} ` : ''}${reason}`);
  if (faults.length > 0) {
    console.log(`${faults.length} bad file${faults.length === 1 ? '' : 's'}; train --skip_bad goes on without`);
    process.exitCode = 1;
  }
}

function combineCommand() {
  return new Command('combine')
    .description(
      'Join two folders into side-by-side pairs: A left (the real picture), B right (the condition). Files match by name without extension; train/ and test/ (or val/) folders below A and B are kept.',
    )
    .argument('<a>', 'folder of the left halves')
    .argument('<b>', 'folder of the right halves')
    .argument('<out>', 'a new folder')
    .option('--skip_bad', 'skip bad files')
    .allowExcessArguments(false)
    .addHelpText('after', '\nExample: pixtape data combine photos drawings pairs')
    .action(async (a, b, out, { skip_bad = false }) => {
      const made = await combineFolders(a, b, out, { skipBad: skip_bad, warn, onWritten: counted('written') });
      tellCounts(out, made);
      tellHowToTrain(out);
    });
}

function splitCommand() {
  return new Command('split')
    .description(
      'Split side-by-side pairs, the reverse of combine: left halves into OUT/A, right halves into OUT/B; train/ and test/ (or val/) are kept below them.',
    )
    .argument('<pairs>', 'a folder of side-by-side pairs')
    .argument('<out>', 'a new folder')
    .option('--skip_bad', 'skip bad files')
    .allowExcessArguments(false)
    .addHelpText('after', '\nExample: pixtape data split facades halves')
    .action(async (pairs, out, { skip_bad = false }) => {
      tellCounts(out, await splitPairs(pairs, out, { skipBad: skip_bad, warn, onWritten: counted('taken apart') }));
    });
}
