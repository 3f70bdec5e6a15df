import { BatchLoader, stepsPerEpoch } from '../../pix2pix/data/sets/batches.ts';
import { FACES } from '../../pix2pix/data/sets/dataset.ts';
import { OPENMOJI_CREDITS } from '../../pix2pix/data/sources/emoji/emoji.ts';
import { openDataset } from '../../pix2pix/data/sources/open.ts';
import { describeGenerator } from '../../pix2pix/models/networks.ts';
import { DISCRIMINATORS } from '../../pix2pix/models/registry/discriminators.ts';
import { trainingStep } from '../../pix2pix/train/autotune/tune.ts';
import { loadCheckpoint, readCheckpointHeader } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import { inPhase } from '../../pix2pix/train/loop/phases.ts';
import { type RunResult, trainPix2Pix } from '../../pix2pix/train/loop/run.ts';
import { Pix2Pix } from '../../pix2pix/train/steps/pix2pix.ts';
import { type RunFolder, takeFolder } from '../run/folder.ts';
import { checkGoingBack, goBack } from '../run/go_back.ts';
import { checkTrainingMemory } from '../run/memory.ts';
import { paintingMode } from '../run/mode.ts';
import { trainRun } from '../run/run.ts';
import { surviveLoss } from '../run/survive_loss.ts';
import { shellQuoted } from '../run/text.ts';
import { counter } from '../shared/counter.ts';
import { continuedConfig, continuedRecord, freshConfig, freshRecord } from './config.ts';
import { trainCycle } from './cycle.ts';
import type { TrainFlags } from './flags.ts';
import { checkModelFlags } from './model_flags.ts';
import { lastStep, scheduleNotes } from './schedule.ts';

/** `pixtape train`. `given` holds only the flags that the user typed, which a continued run may override. */
export async function startTraining(flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  checkModelFlags(flags.model, given);
  checkGoingBack(flags);
  const run = await takeFolder(flags);
  try {
    await goBack(run, flags);
    const train = flags.model === 'cycle_gan' ? trainCycle : trainIn;
    await surviveLoss(run, flags, (again) => train(run, again, given));
  } finally {
    await run.lock.release();
  }
}

async function trainIn(at: RunFolder, flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  const before = flags.continue_train ? await readCheckpointHeader(at.latest) : undefined;
  const config = before ? continuedConfig(before.config, given) : freshConfig(flags, given);
  const record = before ? continuedRecord(before.run as RunRecord, given, config) : freshRecord(flags, config);

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
      build: trainingStep(config),
      checkMemory: (device) => checkTrainingMemory(device, config),
      open: async (device) => {
        if (!before) return new Pix2Pix(device, config);
        return (await loadCheckpoint(device, at.latest, (header) => ({ ...header, config }))).model;
      },
      describe: modelLine,
      prepare: (model, onCompiled) => model.prepare({ onCompiled }),
      train: (model, options, progress, interrupted) => {
        const loader = new BatchLoader(train, { batchSize: config.batch, seed, serial: record.data.serial });
        return trainPix2Pix(model, loader, test, { ...options, heldOut }, progress, interrupted);
      },
      ending: (result) => ending(result, at.folder),
    },
    warn,
  );
}

function modelLine({ generator, disc, config }: Pix2Pix): string {
  const millions = (n: number) => `${(n / 1e6).toFixed(n < 1e6 ? 3 : 1)} M`;
  const sees = config.discConditional ? '' : 'unconditional ';
  const label = `${sees}${DISCRIMINATORS[config.netD].label(config.discLayers)}`;
  const judge = disc ? `${label} ${millions(disc.parameterCount)}` : 'no discriminator';
  const averaged = config.ema > 0 ? `, weights averaged over steps (${config.ema})` : '';
  const mode = paintingMode({}, config.generator);
  const lsgan = config.ganMode === 'lsgan' ? ', least squares' : '';
  return (
    `generator ${describeGenerator(config)}, ${millions(generator.parameterCount)} parameters; ${judge}${lsgan}; ` +
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
