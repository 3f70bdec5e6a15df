import { basename, dirname, resolve } from 'node:path';
import type { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { formatCount } from '../../engine/util/format.ts';
import type { PictureSet } from '../../pix2pix/data/sets/picture_set.ts';
import { openPictures } from '../../pix2pix/data/sources/open_pictures.ts';
import { loadGan, readGanHeader } from '../../pix2pix/train/checkpoint/gan_checkpoint.ts';
import { type GanConfig, ganRates } from '../../pix2pix/train/config/gan_config.ts';
import { ganBatches } from '../../pix2pix/train/gan/gan_batches.ts';
import { trainGan } from '../../pix2pix/train/gan/gan_run.ts';
import { inPhase } from '../../pix2pix/train/loop/phases.ts';
import type { LoopResult } from '../../pix2pix/train/loop/task.ts';
import { checkMemory, type MemoryEstimate } from '../../pix2pix/train/memory/estimate.ts';
import { estimateGan } from '../../pix2pix/train/memory/estimate_gan.ts';
import { Gan } from '../../pix2pix/train/steps/gan.ts';
import { type RunFolder, takeRunFolder } from '../run/folder.ts';
import { notesOn } from '../run/notes.ts';
import { refuseRanks } from '../run/ranks.ts';
import { trainRun } from '../run/run.ts';
import { surviveLoss } from '../run/survive_loss.ts';
import { shellQuoted } from '../run/text.ts';
import { counter } from '../shared/counter.ts';
import { continuedGanConfig, continuedGanRecord, freshGanConfig, freshGanRecord, type GanRecord } from './config.ts';
import { GAN_INTERVALS, type GanFlags } from './flags.ts';

/** `pixtape gan`. `given` holds only the flags that the user typed, which a continued run may override. */
export async function startGan(dir: string | undefined, flags: GanFlags, given: Partial<GanFlags>): Promise<void> {
  refuseRanks('pixtape gan');
  // Check the flags before anything else.
  const fresh = freshGanRecord(dir, flags);
  const noData = new PixtapeError('no data: gan needs a folder, gan DIR', 'Or try --data smileys --preset quick');
  const run = await takeRunFolder('gan', flags, defaultName(dir, flags), noData);
  try {
    await surviveLoss(run, flags, (again) => trainIn(run, fresh, dir, again, given));
  } finally {
    await run.lock?.release();
  }
}

async function trainIn(
  at: RunFolder,
  fresh: GanRecord,
  dir: string | undefined,
  flags: GanFlags,
  given: Partial<GanFlags>,
): Promise<void> {
  const before = flags.continue_train ? await readGanHeader(at.latest) : undefined;
  const saved = before?.run as GanRecord | undefined;
  const record = saved ? continuedGanRecord(saved, dir, given) : fresh;
  const wanted = before ? continuedGanConfig(before.config, given) : freshGanConfig(flags, given);

  const warn = (line: string) => console.warn(`warning: ${line}`);
  const { train, summary, credits } = await inPhase('data', () =>
    openPictures({ ...record.data, side: wanted.side, warn, onRendered }),
  );
  console.log(`data     ${summary}`);
  const config = withClasses(wanted, train, before !== undefined);
  const { steps, batch: batchSize, seed, classes } = config;
  const done = before?.step ?? 0;
  const going = { pairs: train.count, what: 'training pictures', batch: batchSize, longer: '--steps' } as const;
  const rateBefore = before && ganRates({ ...before.config, lr: config.lr }, done).gen;
  for (const note of notesOn({ ...going, rate: ganRates(config, done).gen, rateBefore }))
    console.log(`note     ${note}`);
  const samples = flags.samples ?? (classes.length > 0 ? 8 * classes.length : 64);
  await trainRun<Gan, LoopResult>(
    {
      command: 'gan',
      at,
      flags,
      before,
      record,
      pairs: train.count,
      pairsName: 'training pictures',
      steps,
      stepsFlags: '--steps',
      intervals: GAN_INTERVALS[record.preset],
      credits,
      build: (dry) => new Gan(dry, config, { initialise: false }).prepare(),
      checkMemory: (device) => checkGanMemory(device, config),
      open: async (device) => (before ? (await loadGan(device, at.latest, config)).model : new Gan(device, config)),
      describe: modelLine,
      prepare: (model, onCompiled) => model.prepare(onCompiled),
      train: (model, options, progress, interrupted) => {
        return trainGan(model, ganBatches(train, { batchSize, seed }), { ...options, samples }, progress, interrupted);
      },
      ending: () => {
        const evaluate = classes.length > 0 ? `; npx pixtape eval-classes ${shellQuoted(at.folder)}` : '';
        return { measured: '', tryIt: `npx pixtape sample ${shellQuoted(at.folder)} OUT.png${evaluate}` };
      },
    },
    warn,
  );
}

/** @throws PixtapeError if the device lacks the memory */
async function checkGanMemory(device: Device, config: GanConfig): Promise<MemoryEstimate> {
  const need = await estimateGan(device, config);
  const reduce = `--batch_size (${config.batch} now), --size (${config.side} now), --ngf and --ndf`;
  checkMemory(device, need, 'training this GAN', reduce);
  return need;
}

/** A fresh run takes the classes of its pictures. A continued run's classes must still be there. */
function withClasses(config: GanConfig, set: PictureSet, resumed: boolean): GanConfig {
  const classes = [...set.classes];
  if (!resumed) return { ...config, classes };
  if (classes.join('\n') === config.classes.join('\n')) return config;
  throw new PixtapeError(
    `the run began with the classes ${config.classes.join(', ') || '(none)'}, there are ${classes.join(', ') || 'none'} now`,
    'Give it the pictures that it began with, or start another run with another --name.',
  );
}

/** Named after the set, the folder, or the table's folder; undefined if none was given. */
function defaultName(dir: string | undefined, { data, preset, classes }: GanFlags): string | undefined {
  if (data !== 'folder') return `${data}-${preset}`;
  const folder = dir ?? (typeof classes === 'string' ? dirname(classes) : undefined);
  return folder === undefined ? undefined : `${basename(resolve(folder)) || 'pictures'}-${preset}`;
}

function modelLine({ generator, disc, config }: Gan): string {
  const { side, nz, batch, classes } = config;
  const asked = classes.length > 0 ? ` and ${classes.length} classes` : '';
  return (
    `generator from ${nz} numbers${asked}, ${formatCount(generator.parameterCount)} parameters; ` +
    `discriminator ${formatCount(disc.parameterCount)}; pictures ${side} × ${side}, batch ${batch}`
  );
}

const onRendered = counter((done, total) => `data     ${done} of ${total} drawings rendered`);
