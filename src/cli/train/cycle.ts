import { openDevice } from '../../drivers/open_device.ts';
import type { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { formatBytes } from '../../engine/util/format.ts';
import { openUnpaired } from '../../pix2pix/data/sources/open_unpaired.ts';
import { describeGenerator } from '../../pix2pix/models/networks.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import { cycleBatches } from '../../pix2pix/train/cycle/batches.ts';
import { loadCycleGan, readCycleHeader } from '../../pix2pix/train/cycle/checkpoint.ts';
import { CYCLE_PRESETS, type CycleConfig } from '../../pix2pix/train/cycle/config.ts';
import { CycleGan } from '../../pix2pix/train/cycle/cycle_gan.ts';
import { trainCycleGan } from '../../pix2pix/train/cycle/run.ts';
import { Progress } from '../../pix2pix/train/loop/progress.ts';
import { checkMemory, estimate } from '../../pix2pix/train/memory/estimate.ts';
import { counter } from '../shared/counter.ts';
import { watchInterrupt } from '../shared/interrupt.ts';
import { withinMemory } from '../shared/memory.ts';
import type { RunFolder } from '../shared/run_folder.ts';
import { checkLeft, compile, farewell, noteChanges, quoted } from '../shared/run_text.ts';
import { settleTuning } from '../tune/tuning.ts';
import { applyFlags, checkChosen, continuedRecord, freshRecord, refuseChange } from './config.ts';
import type { TrainFlags } from './flags.ts';
import { lastStep } from './schedule.ts';

/** `pixtape train --model cycle_gan`. `given` holds only the flags that the user typed. */
export async function trainCycle(run: RunFolder, flags: TrainFlags, given: Partial<TrainFlags>): Promise<void> {
  const { name, folder, latest, lock } = run;
  const before = flags.continue_train ? await readCycleHeader(latest) : undefined;
  const config = before ? continued(before.config, given) : fresh(flags, given);
  const record = before ? continuedRecord(before.run as RunRecord, given, config) : freshRecord(flags, config);

  const warn = (line: string) => console.warn(`warning: ${line}`);
  const { width, height, seed } = config;
  const { a, b, testA, testB, summary } = await openUnpaired({ ...record.data, width, height, seed, warn, onRendered });
  console.log(`data     ${summary}`);
  const loader = cycleBatches(a, b, { batchSize: config.batch, seed });
  const steps = lastStep(flags, config, loader.stepsPerEpoch);
  const done = before?.step ?? 0;
  checkLeft(folder, done, steps, '--n_epochs or --steps');

  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    noteChanges(record, { pairs: loader.length, adapter: device.description }, 'training pictures', warn);
    record.pairs ??= loader.length;
    record.adapter ??= device.description;
    const build = (on: Device) => new CycleGan(on, config, { initialise: false }).prepare();
    const memory = async () => {
      const need = await estimate(device, (dry) => async () => void (await build(dry)));
      checkMemory(
        device,
        need,
        'training this CycleGAN',
        `--batch_size (${config.batch} now), --crop_size, --ngf and --ndf`,
      );
      return need;
    };
    await settleTuning(device, { build, checkMemory: memory }, { tune: flags.tune, before: before?.run }, warn);
    const need = await memory();
    const model = await withinMemory(device, need, async () => {
      return before ? loadCycleGan(device, latest, config) : new CycleGan(device, config);
    });
    const count = ((model.netGA.parameterCount + model.netGB.parameterCount) / 1e6).toFixed(1);
    console.log(
      `model    two generators ${describeGenerator(config)}, ${count} M parameters together; ${width} × ${height}`,
    );
    console.log(`run      ${folder}${before ? `, going on after step ${done}` : ''}`);
    await compile((onCompiled) => model.prepare(onCompiled));
    console.log(`memory   ${formatBytes(device.memory.bytes)} on the device`);
    const options = {
      folder,
      name,
      lock,
      steps,
      ...(flags.minutes === undefined ? {} : { minutes: flags.minutes }),
      logEvery: flags.print_freq,
      sampleEvery: flags.display_freq ?? 400,
      saveEvery: flags.save_latest_freq ?? 1000,
      saveEveryEpochs: flags.save_epoch_freq,
      resumed: before !== undefined,
      record,
      samples: flags.samples,
    };
    const progress = new Progress();
    const interrupt = watchInterrupt(() => {
      progress.note('finishing this step, then saving … (Ctrl-C again to stop without saving)');
    });
    try {
      const result = await trainCycleGan(model, loader, { testA, testB }, options, progress, interrupt.asked);
      farewell(result, {
        command: 'train',
        folder,
        name,
        checkpointsDir: flags.checkpoints_dir,
        measured: '',
        tryIt: `npx pixtape translate ${quoted(folder)} IN OUT --network G_A`,
        open: flags.open ?? false,
      });
    } finally {
      interrupt.stop();
    }
  } finally {
    device.destroy();
  }
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
  return {
    ...applyFlags(base, flags),
    lambdaA: flags.lambda_A ?? base.lambdaA,
    lambdaB: flags.lambda_B ?? base.lambdaB,
    lambdaIdentity: flags.lambda_identity ?? base.lambdaIdentity,
    poolSize: flags.pool_size ?? base.poolSize,
  };
}
