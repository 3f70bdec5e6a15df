import { basename, dirname, resolve } from 'node:path';
import { openDevice } from '../../drivers/open_device.ts';
import type { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { formatBytes } from '../../engine/util/format.ts';
import type { PictureSet } from '../../pix2pix/data/sets/picture_set.ts';
import { openPictures } from '../../pix2pix/data/sources/open_pictures.ts';
import { loadGan, readGanHeader } from '../../pix2pix/train/checkpoint/gan_checkpoint.ts';
import type { GanConfig } from '../../pix2pix/train/config/gan_config.ts';
import { ganBatches } from '../../pix2pix/train/loop/gan_batches.ts';
import { trainGan } from '../../pix2pix/train/loop/gan_run.ts';
import type { LoopOptions } from '../../pix2pix/train/loop/loop.ts';
import { Progress } from '../../pix2pix/train/loop/progress.ts';
import { checkMemory } from '../../pix2pix/train/memory/estimate.ts';
import { estimateGan } from '../../pix2pix/train/memory/estimate_gan.ts';
import { Gan } from '../../pix2pix/train/steps/gan.ts';
import { counter } from '../shared/counter.ts';
import { watchInterrupt } from '../shared/interrupt.ts';
import { withinMemory } from '../shared/memory.ts';
import { type RunFolder, takeRunFolder } from '../shared/run_folder.ts';
import { checkLeft, compile, farewell, noteChanges, quoted } from '../shared/run_text.ts';
import { settleTuning } from '../tune/tuning.ts';
import { continuedGanConfig, continuedGanRecord, freshGanConfig, freshGanRecord, type GanRecord } from './config.ts';
import { GAN_INTERVALS, type GanFlags } from './flags.ts';

/** `pixtape gan`. `given` holds only the flags that the user typed: what a continued run may override. */
export async function startGan(dir: string | undefined, flags: GanFlags, given: Partial<GanFlags>): Promise<void> {
  // Before anything else: what is wrong with the flags should be said first.
  const fresh = freshGanRecord(dir, flags);
  const noData = new PixtapeError('no data: gan needs a folder, gan DIR', 'Or try --data smileys --preset quick');
  const run = await takeRunFolder('gan', flags, defaultName(dir, flags), noData);
  try {
    await trainIn(run, fresh, dir, flags, given);
  } finally {
    await run.lock.release();
  }
}

async function trainIn(
  { name, folder, latest, lock }: RunFolder,
  fresh: GanRecord,
  dir: string | undefined,
  flags: GanFlags,
  given: Partial<GanFlags>,
): Promise<void> {
  const before = flags.continue_train ? await readGanHeader(latest) : undefined;
  const saved = before?.run as GanRecord | undefined;
  const record = saved ? continuedGanRecord(saved, dir, given) : fresh;
  const wanted = before ? continuedGanConfig(before.config, given) : freshGanConfig(flags, given);

  const warn = (line: string) => console.warn(`warning: ${line}`);
  const { train, summary, credits } = await openPictures({ ...record.data, side: wanted.side, warn, onRendered });
  console.log(`data     ${summary}`);
  const config = withClasses(wanted, train, before !== undefined);
  const defaults = GAN_INTERVALS[record.preset];
  const { steps } = config;
  const done = before?.step ?? 0;
  checkLeft(folder, done, steps, '--steps');

  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    const beginning = { pairs: train.count, adapter: device.description };
    noteChanges(record, beginning, 'training pictures', warn);
    record.pairs ??= beginning.pairs;
    record.adapter ??= beginning.adapter;
    const memory = async () => {
      const need = await estimateGan(device, config);
      const reduce = `--batch_size (${config.batch} now), --size (${config.side} now), --ngf and --ndf`;
      checkMemory(device, need, 'training this GAN', reduce);
      return need;
    };
    const build = (paper: Device) => new Gan(paper, config, { initialise: false }).prepare();
    await settleTuning(device, { build, checkMemory: memory }, { tune: flags.tune, before: before?.run }, warn);
    const need = await memory();
    const model = await withinMemory(device, need, async () => {
      return before ? (await loadGan(device, latest, config)).model : new Gan(device, config);
    });
    console.log(`model    ${modelLine(model)}`);
    console.log(`run      ${folder}${before ? `, going on after step ${done}` : ''}`);
    await compile((onCompiled) => model.prepare(onCompiled));
    console.log(`memory   ${formatBytes(device.memory.bytes)} on the device`);

    const loader = ganBatches(train, { batchSize: config.batch, seed: config.seed });
    const options: LoopOptions & { samples: number } = {
      folder,
      name,
      lock,
      steps,
      ...(flags.minutes === undefined ? {} : { minutes: flags.minutes }),
      logEvery: flags.print_freq,
      sampleEvery: flags.display_freq ?? defaults.sample,
      saveEvery: flags.save_latest_freq ?? defaults.save,
      saveEveryEpochs: flags.save_epoch_freq,
      resumed: before !== undefined,
      record,
      ...(credits === undefined ? {} : { credits }),
      samples: flags.samples ?? (config.classes.length > 0 ? 8 * config.classes.length : 64),
    };
    const progress = new Progress();
    const interrupt = watchInterrupt(() => {
      progress.note('finishing this step, then saving … (Ctrl-C again to stop without saving)');
    });
    try {
      const result = await trainGan(model, loader, options, progress, interrupt.asked);
      const evaluate = config.classes.length > 0 ? `; npx pixtape eval-classes ${quoted(folder)}` : '';
      farewell(result, {
        command: 'gan',
        folder,
        name,
        checkpointsDir: flags.checkpoints_dir,
        measured: '',
        tryIt: `npx pixtape sample ${quoted(folder)} OUT.png${evaluate}`,
        open: flags.open ?? false,
      });
    } finally {
      interrupt.stop();
    }
  } finally {
    device.destroy();
  }
}

/** A fresh run takes the classes of its pictures; those of a continued one must be there still. */
function withClasses(config: GanConfig, set: PictureSet, resumed: boolean): GanConfig {
  const classes = [...set.classes];
  if (!resumed) return { ...config, classes };
  if (classes.join('\n') === config.classes.join('\n')) return config;
  throw new PixtapeError(
    `the run began with the classes ${config.classes.join(', ') || '(none)'}, there are ${classes.join(', ') || 'none'} now`,
    'Give it the pictures that it began with, or start another run with another --name.',
  );
}

/** After the set, the folder, or the folder of the table; undefined where none was named. */
function defaultName(dir: string | undefined, { data, preset, classes }: GanFlags): string | undefined {
  if (data !== 'folder') return `${data}-${preset}`;
  const folder = dir ?? (typeof classes === 'string' ? dirname(classes) : undefined);
  return folder === undefined ? undefined : `${basename(resolve(folder)) || 'pictures'}-${preset}`;
}

function modelLine({ generator, disc, config }: Gan): string {
  const millions = (n: number) => `${(n / 1e6).toFixed(n < 1e6 ? 3 : 1)} M`;
  const { side, nz, batch, classes } = config;
  const asked = classes.length > 0 ? ` and ${classes.length} classes` : '';
  return (
    `generator from ${nz} numbers${asked}, ${millions(generator.parameterCount)} parameters; ` +
    `discriminator ${millions(disc.parameterCount)}; pictures ${side} × ${side}, batch ${batch}`
  );
}

const onRendered = counter((done, total) => `data     ${done} of ${total} drawings rendered`);
