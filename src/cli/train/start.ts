import type { Description } from '../../distributed/agree.ts';
import { formatCount } from '../../engine/util/format.ts';
import { BatchLoader, stepsPerEpoch } from '../../pix2pix/data/sets/batches.ts';
import { type Dataset, FACES } from '../../pix2pix/data/sets/dataset.ts';
import { datasetDigest } from '../../pix2pix/data/sets/digest.ts';
import { OPENMOJI_CREDITS } from '../../pix2pix/data/sources/emoji/emoji.ts';
import { openDataset } from '../../pix2pix/data/sources/open.ts';
import { describeGenerator } from '../../pix2pix/models/networks.ts';
import { DISCRIMINATORS } from '../../pix2pix/models/registry/discriminators.ts';
import { trainingStep } from '../../pix2pix/train/autotune/tune.ts';
import { loadCheckpoint, readCheckpointHeader } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import { followTraining } from '../../pix2pix/train/loop/follow.ts';
import { inPhase } from '../../pix2pix/train/loop/phases.ts';
import { Pix2PixTask } from '../../pix2pix/train/loop/pix2pix_task.ts';
import { type RunResult, trainPix2Pix } from '../../pix2pix/train/loop/run.ts';
import { Pix2Pix, partOfBatch } from '../../pix2pix/train/steps/pix2pix.ts';
import { type RunFolder, takeFolder } from '../run/folder.ts';
import { checkGoingBack, goBack } from '../run/go_back.ts';
import { checkTrainingMemory } from '../run/memory.ts';
import { type Ranks, refuseRanks, withRanks } from '../run/ranks.ts';
import { trainRun } from '../run/run.ts';
import { surviveLoss } from '../run/survive_loss.ts';
import { shellQuoted } from '../run/text.ts';
import { counter } from '../shared/counter.ts';
import { paintingMode } from '../shared/mode.ts';
import { continuedConfig, continuedRecord, freshConfig, freshRecord } from './config.ts';
import { trainCycle } from './cycle.ts';
import type { TrainFlags } from './flags.ts';
import { checkModelFlags } from './model_flags.ts';
import { lastStep, scheduleNotes } from './schedule.ts';

/** `pixtape train`. `given` holds only the flags that the user typed, which a continued run may override. */
export async function startTraining(flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  checkModelFlags(flags.model, given);
  checkGoingBack(flags);
  if (flags.model === 'cycle_gan') refuseRanks('--model cycle_gan');
  await withRanks(flags.distributed, (ranks) => trainWith(ranks, flags, given));
}

async function trainWith(ranks: Ranks | undefined, flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  const take = async () => {
    const run = await takeFolder(flags);
    // Go back before other ranks read the folder.
    await goBack(run, flags).catch(async (error: unknown) => {
      await run.lock?.release();
      throw error;
    });
    return run;
  };
  const run = ranks ? await ranks.sharedFolder(take) : await take();
  try {
    const train = flags.model === 'cycle_gan' ? trainCycle : trainIn;
    // With several ranks a lost device ends all of them. Their launcher has to start them again.
    if (ranks) await trainIn(run, flags, given, ranks);
    else await surviveLoss(run, flags, (again) => train(run, again, given));
  } finally {
    await run.lock?.release();
  }
}

async function trainIn(at: RunFolder, flags: TrainFlags, given: Partial<TrainFlags>, ranks?: Ranks): Promise<void> {
  const before = flags.continue_train ? await readCheckpointHeader(at.latest) : undefined;
  const count = ranks?.group.count;
  const config = before ? continuedConfig(before.config, given, count) : freshConfig(flags, given, count);
  const record = before ? continuedRecord(before.run as RunRecord, given, config) : freshRecord(flags, config);
  /** The configuration of one rank. */
  const own = { ...config, batch: partOfBatch(config.batch, count) };
  if (ranks) {
    record.syncBatchNorm = given.sync_batchnorm ?? record.syncBatchNorm ?? false;
    record.gradCompression = given.grad_compression ?? record.gradCompression ?? 'none';
    ranks.group.compress = record.gradCompression === 'f16';
  }
  const options = { ranks: ranks?.group, syncBatchNorm: record.syncBatchNorm ?? false };

  const warn = (line: string) => console.warn(`warning: ${line}`);
  const { width, height, seed } = config;
  const channels = { condition: config.generator.inChannels, real: config.generator.outChannels };
  const { train, test, summary, sideBySide } = await inPhase('data', () =>
    openDataset({ ...record.data, channels, width, height, seed, warn, onRendered }),
  );
  console.log(`data     ${summary}`);
  const perEpoch = stepsPerEpoch(train.length, config.batch);
  const pairs = { pairs: train.length, what: 'training pairs', serial: record.data.serial, perEpoch };
  for (const note of scheduleNotes(config, before, pairs)) console.log(`note     ${note}`);
  if (sideBySide !== undefined) record.sideBySide = sideBySide;
  const quick = record.preset === 'quick';
  const emojis = record.data.data === 'openmoji';
  const heldOut = { samples: flags.samples, maxSamples: flags.num_test, ...(emojis ? { prefer: FACES } : {}) };
  await trainRun<Pix2Pix, RunResult>(
    {
      command: 'train',
      at,
      flags,
      before,
      record,
      pairs: train.length,
      pairsName: 'training pairs',
      steps: lastStep(flags, config, perEpoch),
      stepsFlags: '--n_epochs or --steps',
      intervals: quick ? { sample: 100, save: 250 } : { sample: 400, save: 1000 },
      credits: emojis ? OPENMOJI_CREDITS : undefined,
      ranks,
      batch: config.batch,
      ...(ranks && { description: await descriptionOf(config, train, record) }),
      build: trainingStep(own),
      checkMemory: (device) => checkTrainingMemory(device, own),
      open: async (device) => {
        if (!before) return new Pix2Pix(device, config, options);
        return (await loadCheckpoint(device, at.latest, (header) => ({ ...header, config }), options)).model;
      },
      describe: modelLine,
      prepare: (model, onCompiled) => model.prepare({ onCompiled }),
      train: (model, options, progress, interrupted) => {
        const { serial } = record.data;
        const loader = new BatchLoader(train, { batchSize: config.batch, seed, serial, part: ranks?.group });
        if (ranks?.first === false) {
          const { steps } = options;
          return followTraining(new Pix2PixTask(model, loader), { steps, agree: ranks.agree }, interrupted);
        }
        return trainPix2Pix(model, loader, test, { ...options, heldOut }, progress, interrupted);
      },
      ending: (result) => ending(result, at.folder),
    },
    warn,
  );
}

/** What all ranks must have in common. */
async function descriptionOf(
  config: TrainConfig,
  train: Dataset,
  { syncBatchNorm, gradCompression }: RunRecord,
): Promise<Description> {
  const settings = Object.entries(config).map(([name, value]) => [
    `the configuration's ${name}`,
    JSON.stringify(value),
  ]);
  return {
    ...Object.fromEntries(settings),
    'the data set': `${train.length} training pairs (${await datasetDigest(train)})`,
    'batch norm over all ranks': String(syncBatchNorm),
    'the gradients compressed to': String(gradCompression),
  };
}

function modelLine({ generator, disc, config }: Pix2Pix): string {
  const sees = config.discConditional ? '' : 'unconditional ';
  const label = `${sees}${DISCRIMINATORS[config.netD].label(config.discLayers)}`;
  const judge = disc ? `${label} ${formatCount(disc.parameterCount)}` : 'no discriminator';
  const averaged = config.ema > 0 ? `, weights averaged over steps (${config.ema})` : '';
  const mode = paintingMode({}, config.generator);
  const lsgan = config.ganMode === 'lsgan' ? ', least squares' : '';
  return (
    `generator ${describeGenerator(config)}, ${formatCount(generator.parameterCount)} parameters; ${judge}${lsgan}; ` +
    `pictures ${config.width} × ${config.height}, batch ${config.batch}${averaged}\nsamples  ${mode}`
  );
}

const onRendered = counter((done, total) => `data     ${done} of ${total} drawings rendered`);

function ending({ testL1, baselineL1, measured, heldOut }: RunResult, folder: string) {
  // NaN if input and output differ in channels, so that copying is impossible.
  const copying = Number.isNaN(baselineL1) ? '' : `; copying the input scores ${baselineL1.toFixed(4)}`;
  const few = measured < heldOut ? ` on ${measured} of ${heldOut} pictures` : '';
  const score = testL1 === undefined ? 'not measured yet' : `${testL1.toFixed(4)}${few}`;
  return {
    measured: `: held-out L1 ${score}${copying}`,
    tryIt: `npx pixtape translate ${shellQuoted(folder)} IN OUT`,
  };
}
