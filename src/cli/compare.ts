import { openDevice } from '../drivers/open_device.ts';
import { PixtapeError } from '../engine/util/errors.ts';
import { writeFileAtomic } from '../files/files.ts';
import { FACES } from '../pix2pix/data/sets/dataset.ts';
import { OPENMOJI_CREDITS } from '../pix2pix/data/sources/emoji/emoji.ts';
import { openDataset } from '../pix2pix/data/sources/open.ts';
import { readCheckpointHeader } from '../pix2pix/train/checkpoint/checkpoint.ts';
import { comparisonRows, type Evaluation, evaluate } from '../pix2pix/train/evaluate/evaluate.ts';
import { chooseSamples } from '../pix2pix/train/evaluate/held_out.ts';
import type { Scores } from '../pix2pix/train/evaluate/metrics.ts';
import { pictureTable } from '../pix2pix/train/sheets/grid.ts';
import { findCheckpoint } from './checkpoint/find.ts';
import { shown, unequal } from './eval/l1_run.ts';
import { dataOptions, type Measured, predictorOf } from './eval/start.ts';
import { COLUMNS } from './eval/table.ts';
import { wholeNumber } from './flags/arguments.ts';
import { Command } from './flags/commander.ts';
import { adapterOption, type FlagsOf, runsOption } from './flags/flags.ts';
import { columns } from './shared/columns.ts';
import { counter } from './shared/counter.ts';

const EXAMPLES = `
Examples:
  pixtape compare facades facades-l1
  pixtape compare facades facades-l1 facades-ssim --sheet three.png --json three.json
  pixtape compare runs/facades/epoch-50.safetensors facades --dataroot other_facades

All paint the held-out pictures of the first one, in evaluation mode. pixtape eval measures one checkpoint beside
baselines and tells how its scores are defined.`;

function compareFlags() {
  return new Command('compare')
    .description('Measure checkpoints on the same held-out pictures: one table of scores, one sheet of pictures.')
    .argument('<checkpoints...>', 'two or more: checkpoints, folders of runs, or names of runs')
    .option('--dataroot <dir>', "a folder of pairs, held out as train does it (default: the first run's own data)")
    .option('--num_test <n>', 'at most n pictures, spread over the held-out ones (default: all)', wholeNumber(1))
    .option('--sheet <file>', 'the sheet, a PNG', 'compare.png')
    .option('--samples <n>', 'pictures on the sheet', wholeNumber(1), 8)
    .option('--json <file>', 'write the scores, of every picture too')
    .addOption(runsOption())
    .addOption(adapterOption())
    .allowExcessArguments(false);
}

export function compareCommand() {
  return compareFlags().addHelpText('after', EXAMPLES).action(compare);
}

async function compare(names: readonly string[], flags: FlagsOf<typeof compareFlags>): Promise<void> {
  const runs = await findAll(names, flags.checkpoints_dir);
  const [first] = runs as [Named];
  const { width, height, seed, generator } = first.header.config;
  const channels = { condition: generator.inChannels, real: generator.outChannels };
  const options = dataOptions(first, flags.dataroot === undefined ? {} : { dataroot: flags.dataroot });
  const warn = (line: string) => console.warn(`warning: ${line}`);
  const onRendered = counter((done, total) => `data     ${done} of ${total} drawings rendered`);
  const { test, summary } = await openDataset({ ...options, channels, width, height, seed, warn, onRendered });
  const indices = chooseSamples(test, flags.num_test ?? test.length);
  if (indices.length === 0) {
    throw new PixtapeError(`there is no held-out picture: ${summary}`, 'Name a folder that has some: --dataroot DIR.');
  }
  const emojis = options.data === 'openmoji';
  const sampled = chooseSamples(test, flags.samples, emojis ? FACES : undefined);
  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    console.log(`data     ${summary}`);
    const results: Result[] = [];
    for (const run of runs) {
      const ours = await predictorOf(device, run, test, {});
      const line = counter((done, total) => `measured ${done} of ${total} pictures with ${run.name}`);
      // Leave out the mean of the training pictures: the runs may have trained on different ones.
      const onDone = (done: number) => line(done, indices.length);
      const evaluation = await evaluate(test, indices, { ours }, new Float32Array(0), { onDone });
      results.push({ run, evaluation, rows: await comparisonRows(test, sampled, { ours }) });
      ours.destroy();
    }
    console.log(`measured ${indices.length} of ${test.length} held-out pictures, ${width} × ${height}\n`);
    console.log(scoreTable(results));
    const differences = settingsThatDiffer(runs);
    if (differences.length > 0) console.log(`\nWhat differs between them\n${columns(differences)}`);
    console.log('');
    await writeFileAtomic(flags.sheet, await drawSheet(results, test.width, test.height));
    console.log(`sheet    ${sampled.length} pictures → ${flags.sheet}`);
    if (flags.json !== undefined) {
      const record = results.map(({ run: { name, path, header }, evaluation }) => ({
        ...{ name, checkpoint: path, step: header.step },
        ...evaluation,
      }));
      const about = { data: summary, width, height, count: indices.length, of: test.length };
      await writeFileAtomic(flags.json, `${JSON.stringify({ ...about, runs: record }, null, 1)}\n`);
      console.log(`scores   → ${flags.json}`);
    }
    if (emojis) console.log(`the pictures are OpenMoji's. ${OPENMOJI_CREDITS}`);
  } finally {
    device.destroy();
  }
}

interface Named extends Measured {
  /** Name as given. */
  name: string;
}

interface Result {
  run: Named;
  evaluation: Evaluation;
  /** Rows of condition, output and real picture. */
  rows: Awaited<ReturnType<typeof comparisonRows>>;
}

/** @throws PixtapeError if there are fewer than two, or their pictures differ in size or channels */
async function findAll(names: readonly string[], home: string): Promise<Named[]> {
  if (names.length < 2) {
    throw new PixtapeError(`compare: only ${names.join('')} was named`, 'Name two or more; pixtape runs lists them.');
  }
  const runs: Named[] = [];
  for (const name of names) {
    const path = findCheckpoint(name, home);
    runs.push({ name, path, header: await readCheckpointHeader(path) });
  }
  const kind = ({ header: { config } }: Named) =>
    `${config.width} × ${config.height}, ${config.generator.inChannels} → ${config.generator.outChannels} channels`;
  const [first] = runs as [Named];
  const other = runs.find((run) => kind(run) !== kind(first));
  if (other) {
    throw new PixtapeError(
      `compare: ${other.name} paints ${kind(other)}; ${first.name} paints ${kind(first)}`,
      'Compare runs of one size, or look at each with pixtape eval.',
    );
  }
  return runs;
}

function scoreTable(results: readonly Result[]): string {
  const cells = (scores: Scores) => COLUMNS.map(([, key, digits]) => scores[key].toFixed(digits));
  const lines = results.flatMap(({ run, evaluation: { means } }) =>
    means.ours ? [[run.name, String(run.header.step), ...cells(means.ours)]] : [],
  );
  // A condition with another number of channels cannot be compared.
  const copied = results[0]?.evaluation.means.copy;
  if (copied) lines.push(['copying the condition', '–', ...cells(copied)]);
  return columns([['', 'step', ...COLUMNS.map(([title]) => title)], ...lines]);
}

/** A row per setting of model, training or data that differs between runs, under the runs' names. */
function settingsThatDiffer(runs: readonly Named[]): string[][] {
  const all = runs.map(({ header: { config, run } }) => {
    const { generator, ...rest } = config;
    const data = (run.data ?? {}) as Record<string, unknown>;
    return { ...rest, ...prefixed('generator', { ...generator }), ...prefixed('data', data) };
  });
  const [first = {}] = all;
  const keys = [...new Set(all.slice(1).flatMap((other) => unequal(first, other).map(([key]) => key)))];
  if (keys.length === 0) return [];
  const row = (key: string) => [key, ...all.map((each) => shown((each as Record<string, unknown>)[key]))];
  return [['', ...runs.map(({ name }) => name)], ...keys.map(row)];
}

const prefixed = (prefix: string, values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]));

/** Draws the condition, each run's output, and the real picture. */
function drawSheet(results: readonly Result[], width: number, height: number): Promise<Uint8Array> {
  const [first] = results as [Result];
  const rows = first.rows.map(({ name, pictures }, i) => {
    const [condition, , real] = pictures as [Float32Array, Float32Array, Float32Array];
    const painted = results.map(({ rows }) => rows[i]?.pictures[1] as Float32Array);
    return { ...(name === undefined ? {} : { name }), pictures: [condition, ...painted, real] };
  });
  const labels = ['condition', ...results.map(({ run }) => run.name), 'real'];
  return pictureTable(rows, labels, width, height);
}
