import { dirname, join } from 'node:path';
import { openDevice } from '../../drivers/open_device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { writeFileAtomic } from '../../files/files.ts';
import { openPictures } from '../../pix2pix/data/sources/open_pictures.ts';
import { loadGanGenerator, readGanHeader } from '../../pix2pix/train/checkpoint/gan_checkpoint.ts';
import { type Agreement, testClassifier, testGan } from '../../pix2pix/train/evaluate/eval_classes.ts';
import { examplesOf, pictureClassifier } from '../../pix2pix/train/steps/classifier.ts';
import { GanSampler } from '../../pix2pix/train/steps/gan_sampler.ts';
import { findCheckpoint } from '../checkpoint/find.ts';
import { wholeNumber } from '../flags/arguments.ts';
import { Command } from '../flags/commander.ts';
import { adapterOption, type FlagsOf, runsOption } from '../flags/flags.ts';
import type { GanRecord } from '../gan/config.ts';
import { counter } from '../shared/counter.ts';

const EXPLAINED = `
Example: pixtape eval-classes smileys-quick

A small convolutional classifier is trained on the run's own pictures, moved a little at random as the GAN sees them. The
pictures held out of the GAN's training are held out of the classifier's, too; how well it does on those, and on
those that it has seen (moved anew, with --augment or --flip), says what its judgement is worth. Then it looks at what the GAN makes.`;

type EvalClassesFlags = FlagsOf<typeof evalClassesFlags>;

function evalClassesFlags() {
  return new Command('eval-classes')
    .description('How often a GAN makes the class that it is asked for, judged by a classifier.')
    .argument('<checkpoint>', 'a checkpoint of a GAN with classes, the folder of a run, or the name of one')
    .option('--n <n>', 'pictures to make, evenly of each class', wholeNumber(1), 400)
    .option('--steps <n>', "of the classifier's training", wholeNumber(1), 300)
    .option(
      '--seed <n>',
      "of the classifier and of the noise (not the grids' noise unless it is the run's)",
      wholeNumber(0),
      1,
    )
    .option('--json <file>', "where to write the figures (default: classes.json in the run's folder)")
    .addOption(runsOption())
    .addOption(adapterOption())
    .allowExcessArguments(false);
}

export const evalClassesCommand = () => evalClassesFlags().addHelpText('after', EXPLAINED).action(evalClasses);

async function evalClasses(checkpoint: string, flags: EvalClassesFlags): Promise<void> {
  const path = findCheckpoint(checkpoint, flags.checkpoints_dir);
  const { config, step, run } = await readGanHeader(path);
  const { classes, side } = config;
  if (classes.length === 0) throw new PixtapeError(`${path} was trained without classes`, 'See pixtape gan --classes.');
  const record = run as GanRecord;
  const warn = (line: string) => console.warn(`warning: ${line}`);
  const { train, test, summary } = await openPictures({ ...record.data, side, warn });
  if (train.classes.join('\n') !== classes.join('\n')) {
    throw new PixtapeError(
      `the run has the classes ${classes.join(', ')}, its pictures now have ${train.classes.join(', ')}`,
    );
  }
  console.log(`data     ${summary}`);
  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    console.log(`model    ${path}, step ${step}`);
    const { n, steps, seed } = flags;
    const classifier = pictureClassifier(device, { side, classes: classes.length, seed });
    const progress = counter((done, total) => `judge    ${done} of ${total} steps`);
    const loss = await classifier.train(examplesOf(train), steps, (done) => progress(done, steps));
    console.log(
      `judge    classifier of ${classifier.network.parameterCount} weights, ${steps} steps, loss ${loss.toFixed(4)}`,
    );
    const seen = await testClassifier(classifier, train, n, seed);
    const held = test && (await testClassifier(classifier, test, n, seed));
    const { generator } = await loadGanGenerator(device, path);
    const made = await testGan(classifier, new GanSampler(device, generator), config, { seed, count: n });

    const moves = record.data.augment || record.data.flip;
    const judged = [
      `its accuracy: ${percent(seen.share)} on ${moves ? 'new movements of ' : ''}its ${train.count} training pictures`,
      ...(held ? [`${percent(held.share)} on ${moves ? `${held.of} movements of ` : ''}${test.count} held out`] : []),
    ];
    console.log(`         ${judged.join(', ')}`);
    console.log(`\n${table(classes, made)}\n`);
    console.log(
      `agreement: ${percent(made.share)} of ${made.of} pictures show the class asked for (chance ${percent(1 / classes.length)})`,
    );
    const json = flags.json ?? join(dirname(path), 'classes.json');
    const figures = { checkpoint: path, step, seed, classes, judge: { steps, loss, seen, held }, made };
    await writeFileAtomic(json, `${JSON.stringify({ ...figures, adapter: device.description }, null, 2)}\n`);
    console.log(`  figures     ${json}`);
  } finally {
    device.destroy();
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** One row per requested class: its agreement, and how its pictures were classified. */
function table(classes: readonly string[], { counts, shares }: Agreement): string {
  const head = ['asked for', 'agreement', ...classes.map((name) => `→ ${name}`)];
  const rows = classes.map((name, i) => [name, percent(shares[i] as number), ...(counts[i] as number[]).map(String)]);
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join('  '),
    )
    .join('\n');
}
