import type { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { formatCount } from '../../engine/util/format.ts';
import { openUnpaired } from '../../pix2pix/data/sources/open_unpaired.ts';
import { describeGenerator } from '../../pix2pix/models/networks.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import { cycleBatches } from '../../pix2pix/train/cycle/batches.ts';
import { loadCycleGan, readCycleHeader } from '../../pix2pix/train/cycle/checkpoint.ts';
import { CYCLE_PRESETS, type CycleConfig } from '../../pix2pix/train/cycle/config.ts';
import { CycleGan } from '../../pix2pix/train/cycle/cycle_gan.ts';
import { trainCycleGan } from '../../pix2pix/train/cycle/run.ts';
import { inPhase } from '../../pix2pix/train/loop/phases.ts';
import type { LoopResult } from '../../pix2pix/train/loop/task.ts';
import { checkMemory, estimate } from '../../pix2pix/train/memory/estimate.ts';
import type { RunFolder } from '../run/folder.ts';
import { trainRun } from '../run/run.ts';
import { shellQuoted } from '../run/text.ts';
import { counter } from '../shared/counter.ts';
import { applyFlags, checkChosen, checkPolicy, continuedRecord, freshRecord, refuseChange } from './config.ts';
import type { TrainFlags } from './flags.ts';
import { lastStep, scheduleNotes } from './schedule.ts';

/** `pixtape train --model cycle_gan`. `given` holds only the flags that the user typed. */
export async function trainCycle(at: RunFolder, flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  const before = flags.continue_train ? await readCycleHeader(at.latest) : undefined;
  const config = before ? continued(before.config, given) : fresh(flags, given);
  const record = before ? continuedRecord(before.run as RunRecord, given, config) : freshRecord(flags, config);

  const warn = (line: string) => console.warn(`warning: ${line}`);
  const { width, height, seed } = config;
  const { a, b, testA, testB, summary } = await inPhase('data', () =>
    openUnpaired({ ...record.data, width, height, seed, warn, onRendered }),
  );
  console.log(`data     ${summary}`);
  const loader = cycleBatches(a, b, { batchSize: config.batch, seed, serial: record.data.serial });
  const { length: pairs, stepsPerEpoch: perEpoch } = loader;
  const pictures = { pairs, what: 'training pictures', serial: record.data.serial, perEpoch };
  for (const note of scheduleNotes(config, before, pictures)) console.log(`note     ${note}`);
  const build = (on: Device) => new CycleGan(on, config, { initialise: false }).prepare();
  await trainRun<CycleGan, LoopResult>(
    {
      command: 'train',
      at,
      flags,
      before,
      record,
      pairs,
      pairsName: 'training pictures',
      steps: lastStep(flags, config, perEpoch),
      stepsFlags: '--n_epochs or --steps',
      intervals: { sample: 400, save: 1000 },
      credits: undefined,
      build,
      checkMemory: async (device) => {
        const need = await estimate(device, (dry) => async () => void (await build(dry)));
        const reduce = `--batch_size (${config.batch} now), --crop_size, --ngf and --ndf`;
        checkMemory(device, need, 'training this CycleGAN', reduce);
        return need;
      },
      open: async (device) => (before ? loadCycleGan(device, at.latest, config) : new CycleGan(device, config)),
      describe: ({ netGA, netGB }) => {
        const count = formatCount(netGA.parameterCount + netGB.parameterCount);
        return `two generators ${describeGenerator(config)}, ${count} parameters together; ${width} × ${height}`;
      },
      prepare: (model, onCompiled) => model.prepare(onCompiled),
      train: (model, options, progress, interrupted) => {
        const { samples } = flags;
        return trainCycleGan(model, loader, { testA, testB }, { ...options, samples }, progress, interrupted);
      },
      ending: () => ({
        measured: '',
        tryIt: `npx pixtape translate ${shellQuoted(at.folder)} IN OUT --network G_A`,
      }),
    },
    warn,
  );
}

const onRendered = counter((done, total) => `data     ${done} of ${total} drawings rendered`);

function fresh(flags: TrainFlags, given: Partial<TrainFlags>): CycleConfig {
  const config = withFlags(CYCLE_PRESETS[flags.preset === 'quick' ? 'quick' : 'cycle_gan'], given);
  checkChosen(config);
  return config;
}

function continued(saved: CycleConfig, given: Partial<TrainFlags>): CycleConfig {
  const config = withFlags(saved, given);
  for (const name of ['netG', 'netD', 'norm', 'width', 'height', 'batch', 'seed', 'poolSize', 'ganMode'] as const) {
    refuseChange(`--${FLAG_OF[name] ?? name}`, config[name], saved[name]);
  }
  checkPolicy(config);
  return config;
}

const FLAG_OF: Readonly<Partial<Record<keyof CycleConfig, string>>> = {
  width: 'crop_size',
  height: 'crop_size',
  batch: 'batch_size',
  poolSize: 'pool_size',
  ganMode: 'gan_mode',
};

function withFlags(base: CycleConfig, flags: Partial<TrainFlags>): CycleConfig {
  if (flags.gan_mode === 'none') {
    throw new PixtapeError(
      '--gan_mode none: a CycleGAN learns nothing without discriminators',
      'Leave --gan_mode out.',
    );
  }
  if (flags.ema) {
    throw new PixtapeError('--ema: a CycleGAN paints with its weights as they are', 'Leave --ema out.');
  }
  return {
    ...applyFlags(base, flags),
    lambdaA: flags.lambda_A ?? base.lambdaA,
    lambdaB: flags.lambda_B ?? base.lambdaB,
    lambdaIdentity: flags.lambda_identity ?? base.lambdaIdentity,
    poolSize: flags.pool_size ?? base.poolSize,
  };
}
