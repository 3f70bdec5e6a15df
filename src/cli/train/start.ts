import { openDevice } from '../../drivers/open_device.ts';
import { formatBytes } from '../../engine/util/format.ts';
import { BatchLoader, stepsPerEpoch } from '../../pix2pix/data/sets/batches.ts';
import { FACES } from '../../pix2pix/data/sets/dataset.ts';
import { OPENMOJI_CREDITS } from '../../pix2pix/data/sources/emoji.ts';
import { openDataset } from '../../pix2pix/data/sources/open.ts';
import { describeGenerator } from '../../pix2pix/models/networks.ts';
import { DISCRIMINATORS } from '../../pix2pix/models/registry/discriminators.ts';
import { loadCheckpoint, readCheckpointHeader } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import { Progress } from '../../pix2pix/train/loop/progress.ts';
import { type RunOptions, type RunResult, trainPix2Pix } from '../../pix2pix/train/loop/run.ts';
import { Pix2Pix } from '../../pix2pix/train/steps/pix2pix.ts';
import { counter } from '../shared/counter.ts';
import { watchInterrupt } from '../shared/interrupt.ts';
import { checkTrainingMemory, withinMemory } from '../shared/memory.ts';
import { type RunFolder, takeFolder } from '../shared/run_folder.ts';
import { checkLeft, compile, type Farewell, farewell, noteChanges, quoted } from '../shared/run_text.ts';
import { settleTuning, trainingWork } from '../tune/tuning.ts';
import { continuedConfig, continuedRecord, freshConfig, freshRecord } from './config.ts';
import { trainCycle } from './cycle.ts';
import type { TrainFlags } from './flags.ts';
import { lastStep } from './schedule.ts';

/** `pixtape train`. `given` holds only the flags that the user typed: what a continued run may override. */
export async function startTraining(flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  const run = await takeFolder(flags);
  try {
    const train = flags.model === 'cycle_gan' ? trainCycle : trainIn;
    await train(run, flags, given);
  } finally {
    await run.lock.release();
  }
}

async function trainIn(run: RunFolder, flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  const { name, folder, latest, lock } = run;
  const before = flags.continue_train ? await readCheckpointHeader(latest) : undefined;
  const config = before ? continuedConfig(before.config, given) : freshConfig(flags, given);
  const record = before ? continuedRecord(before.run as RunRecord, given, config) : freshRecord(flags, config);

  const warn = (line: string) => console.warn(`warning: ${line}`);
  const { width, height, seed } = config;
  const channels = { condition: config.generator.inChannels, real: config.generator.outChannels };
  const { train, test, summary, sideBySide } = await openDataset({
    ...record.data,
    channels,
    width,
    height,
    seed,
    warn,
    onRendered,
  });
  console.log(`data     ${summary}`);
  const steps = lastStep(flags, config, stepsPerEpoch(train.length, config.batch));
  const done = before?.step ?? 0;
  checkLeft(folder, done, steps, '--n_epochs or --steps');

  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    noteChanges(record, { pairs: train.length, adapter: device.description }, 'training pairs', warn);
    record.pairs ??= train.length;
    if (sideBySide !== undefined) record.sideBySide = sideBySide;
    record.adapter ??= device.description;
    await settleTuning(device, trainingWork(device, config), { tune: flags.tune, before: before?.run }, warn);
    const need = await checkTrainingMemory(device, config);
    const model = await withinMemory(device, need, async () => {
      if (before) return (await loadCheckpoint(device, latest, (h) => ({ ...h, config }))).model;
      return new Pix2Pix(device, config);
    });
    console.log(`model    ${modelLine(model)}`);
    console.log(`run      ${folder}${before ? `, going on after step ${done}` : ''}`);
    await compile((onCompiled) => model.prepare({ onCompiled }));
    console.log(`memory   ${formatBytes(device.memory.bytes)} on the device`);

    const loader = new BatchLoader(train, { batchSize: config.batch, seed });
    const options = runOptions(flags, record, { folder, name, steps, lock, resumed: before !== undefined });
    const progress = new Progress();
    const interrupt = watchInterrupt(() => {
      progress.note('finishing this step, then saving … (Ctrl-C again to stop without saving)');
    });
    try {
      const result = await trainPix2Pix(model, loader, test, options, progress, interrupt.asked);
      farewell(result, ending(result, options, config, flags));
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
  place: Pick<RunOptions, 'folder' | 'name' | 'steps' | 'lock' | 'resumed'>,
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
    heldOut: { samples: flags.samples, most: flags.num_test, ...(emojis ? { prefer: FACES } : {}) },
    record,
    ...(emojis ? { credits: OPENMOJI_CREDITS } : {}),
  };
}

function modelLine({ generator, disc, config }: Pix2Pix): string {
  const millions = (n: number) => `${(n / 1e6).toFixed(n < 1e6 ? 3 : 1)} M`;
  const judge = disc ? `${DISCRIMINATORS[config.netD].label} ${millions(disc.parameterCount)}` : 'no discriminator';
  const lsgan = config.ganMode === 'lsgan' ? ', least squares' : '';
  return (
    `generator ${describeGenerator(config)}, ${millions(generator.parameterCount)} parameters; ${judge}${lsgan}; ` +
    `pictures ${config.width} × ${config.height}, batch ${config.batch}`
  );
}

const onRendered = counter((done, total) => `data     ${done} of ${total} drawings rendered`);

function ending(
  { testL1, baselineL1 }: RunResult,
  { folder, name }: RunOptions,
  { generator }: TrainConfig,
  flags: TrainFlags,
): Farewell {
  // An input of other channels is no answer.
  const copying = Number.isNaN(baselineL1) ? '' : `; copying the input scores ${baselineL1.toFixed(4)}`;
  const measured = testL1 === undefined ? 'not measured yet' : testL1.toFixed(4);
  // The running averages of a norm that serves two places fit neither of them.
  const mode = generator.sharedNorm ? ' --dropout' : '';
  return {
    command: 'train',
    folder,
    name,
    checkpointsDir: flags.checkpoints_dir,
    measured: `: held-out L1 ${measured}${copying}`,
    tryIt: `npx pixtape translate ${quoted(folder)} IN OUT${mode}`,
    open: flags.open ?? false,
  };
}
