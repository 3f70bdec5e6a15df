import { join } from 'node:path';
import { BatchLoader, stepsPerEpoch } from '../data/batches.ts';
import { openDataset } from '../data/dataset.ts';
import { OPENMOJI_CREDITS } from '../data/emoji.ts';
import { openDevice } from '../gpu/drivers/open_device.ts';
import { loadCheckpoint, readCheckpointHeader } from '../train/checkpoint.ts';
import type { TrainConfig } from '../train/config.ts';
import { Pix2Pix } from '../train/pix2pix.ts';
import { Progress } from '../train/progress.ts';
import { type RunOptions, type RunResult, run } from '../train/run.ts';
import { PixtapeError } from '../util/errors.ts';
import { formatBytes } from '../util/format.ts';
import { counter } from './counter.ts';
import { watchInterrupt } from './interrupt.ts';
import { checkTrainingMemory, withinMemory } from './memory.ts';
import { openInBrowser } from './open.ts';
import { chooseFolder } from './run_folder.ts';
import type { TrainFlags } from './train.ts';
import { continuedConfig, continuedRecord, freshConfig, freshRecord, type RunRecord } from './train_config.ts';

/** `pixtape train`. `given` holds only the flags that the user typed: what a continued run may override. */
export async function startTraining(flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  const { name, folder, latest } = chooseFolder(flags);
  const before = flags.continue_train ? await readCheckpointHeader(latest) : undefined;
  const config = before ? continuedConfig(before.config, given) : freshConfig(flags, given);
  const record = before ? continuedRecord(before.run as RunRecord, given, config) : freshRecord(flags, config);

  const warn = (line: string) => console.warn(`warning: ${line}`);
  const { width, height, seed } = config;
  const { train, test, summary } = await openDataset({ ...record.data, width, height, seed, warn, onRendered });
  console.log(`data     ${summary}`);
  const steps = lastStep(flags, config, stepsPerEpoch(train.length, config.batch));
  const done = before?.step ?? 0;
  if (done >= steps) {
    throw new PixtapeError(
      `${folder} has already done ${done} of ${steps} steps`,
      'Ask for more: a larger --n_epochs or --steps.',
    );
  }

  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    noteChanges(record, train.length, device.description, warn);
    record.pairs ??= train.length;
    record.adapter ??= device.description;
    const need = await checkTrainingMemory(device, config);
    const model = await withinMemory(device, need, async () => {
      if (before) return (await loadCheckpoint(device, latest, (h) => ({ ...h, config }))).model;
      return new Pix2Pix(device, config);
    });
    console.log(`model    ${modelLine(model)}`);
    console.log(`run      ${folder}${before ? `, going on after step ${done}` : ''}`);
    await compile(model);
    console.log(`memory   ${formatBytes(device.memory.bytes)} on the device`);

    const loader = new BatchLoader(train, { batchSize: config.batch, seed });
    const options = runOptions(flags, record, { folder, name, steps, resumed: before !== undefined });
    const progress = new Progress();
    const interrupt = watchInterrupt(() => {
      progress.note('finishing this step, then saving … (Ctrl-C again to stop without saving)');
    });
    try {
      farewell(await run(model, loader, test, options, progress, interrupt.asked), options, flags);
    } finally {
      interrupt.stop();
    }
  } finally {
    device.destroy();
  }
}

function runOptions(
  flags: TrainFlags,
  record: RunRecord,
  place: Pick<RunOptions, 'folder' | 'name' | 'steps' | 'resumed'>,
): RunOptions {
  const quick = record.preset === 'quick';
  const emojis = record.data.data === 'openmoji';
  return {
    ...place,
    ...(flags.minutes === undefined ? {} : { minutes: flags.minutes }),
    logEvery: flags.print_freq,
    sampleEvery: flags.display_freq ?? (quick ? 100 : 400),
    saveEvery: flags.save_latest_freq ?? (quick ? 250 : 1000),
    saveEveryEpochs: flags.save_epoch_freq,
    // Anybody sees at a glance whether a face came out right.
    heldOut: { samples: flags.samples, most: flags.num_test, ...(emojis ? { prefer: /\bface\b/ } : {}) },
    record,
    ...(emojis ? { credits: OPENMOJI_CREDITS } : {}),
  };
}

function lastStep(flags: TrainFlags, { epochs, epochsDecay }: TrainConfig, perEpoch: number): number {
  const scheduled = Math.max(1, Math.round((epochs + epochsDecay) * perEpoch));
  if (flags.steps === undefined) return scheduled;
  if (epochsDecay > 0 && flags.steps > scheduled) {
    throw new PixtapeError(
      `--steps ${flags.steps} goes beyond step ${scheduled}, where --n_epochs_decay has brought the learning rate to 0`,
      'Use a larger --n_epochs or --n_epochs_decay.',
    );
  }
  return flags.steps;
}

/** A continued run repeats bit for bit only with the same pictures on the same adapter: says so where they differ. */
function noteChanges(record: RunRecord, pairs: number, adapter: string, warn: (line: string) => void): void {
  if (record.pairs !== undefined && record.pairs !== pairs) {
    warn(`the run began with ${record.pairs} training pairs, there are ${pairs} now: it goes on, in another order`);
  }
  if (record.adapter !== undefined && record.adapter !== adapter) {
    warn(`the run began on ${record.adapter}: it goes on, but not bit for bit as it would have there`);
  }
}

function modelLine({ generator, disc, config }: Pix2Pix): string {
  const millions = (n: number) => `${(n / 1e6).toFixed(n < 1e6 ? 3 : 1)} M`;
  const { hidden, depth } = config.generator;
  return (
    `generator ${hidden}/${depth}, ${millions(generator.parameterCount)} parameters; PatchGAN ${millions(disc.parameterCount)}; ` +
    `pictures ${config.width} × ${config.height}, batch ${config.batch}`
  );
}

const onRendered = counter((done, total) => `data     ${done} of ${total} drawings rendered`);

async function compile(model: Pix2Pix): Promise<void> {
  const start = performance.now();
  const { program } = await model.prepare({
    onCompiled: counter((done, total) => `kernels  ${done} of ${total} compiled`),
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `kernels  ${program.kernels.length} compiled in ${seconds} s; a step is ${program.dispatchCount} dispatches`,
  );
}

function farewell(result: RunResult, { folder, name }: RunOptions, flags: TrainFlags): void {
  const why = { done: 'done', time: 'time is up', interrupted: 'interrupted' }[result.end];
  const { testL1, baselineL1 } = result;
  const measured = testL1 === undefined ? 'not measured yet' : testL1.toFixed(4);
  console.log(
    `\n${why} after step ${result.steps}: held-out L1 ${measured}; copying the input scores ${baselineL1.toFixed(4)}`,
  );
  console.log(`  pictures    ${join(folder, 'samples')}`);
  console.log(`  report      ${result.report}`);
  console.log(`  checkpoint  ${result.checkpoint}`);
  if (result.end !== 'done') {
    const where = flags.checkpoints_dir === 'runs' ? '' : ` --checkpoints_dir ${quoted(flags.checkpoints_dir)}`;
    console.log(`  go on with  npx pixtape train --continue_train --name ${quoted(name)}${where}`);
  }
  console.log(`  try it      npx pixtape translate ${quoted(folder)} IN OUT`);
  if (flags.open && result.end !== 'interrupted') openInBrowser(result.report);
}

/** For a command line that a person copies. */
const quoted = (text: string): string => (/^[\w.,:/\\+-]+$/.test(text) ? text : `"${text}"`);
