import { version } from '../../../package.json';
import type { Device } from '../../engine/gpu/device.ts';
import { shippedTable } from '../../engine/ops/conv/tuning/tables.ts';
import { convTuning } from '../../engine/ops/conv/tuning/tuning.ts';
import { formatDuration } from '../../engine/util/format.ts';
import {
  convolutionsOf,
  type Tuned,
  type TuneOptions,
  trainingStep,
  tuneModel,
} from '../../pix2pix/train/autotune/tune.ts';
import { choicesOf, type Measurements, TuningCache } from '../../pix2pix/train/autotune/tuning_cache.ts';
import { recordedTuning } from '../../pix2pix/train/checkpoint/tuning_record.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import { checkTrainingMemory } from '../run/memory.ts';
import { counter } from '../shared/counter.ts';

/** Seconds to spend on measuring before a run, on an adapter without a shipped table. */
const SECONDS_BEFORE_A_RUN = 60;

/** The computation to tune. */
export interface Work {
  /** Records it on a dry-run device; see `tuneModel`. */
  build: (paper: Device) => Promise<unknown>;
  /** @throws PixtapeError if the device has no memory for it */
  checkMemory: () => Promise<unknown>;
}

export const trainingWork = (device: Device, config: TrainConfig): Work => ({
  build: trainingStep(config),
  checkMemory: () => checkTrainingMemory(device, config),
});

export interface TuningRequest {
  /** --tune or --no-tune; undefined without either. */
  tune: boolean | undefined;
  /** The record of the run that is continued. */
  before: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Chooses the kernels of a run and gives the device their table. A continued run keeps its own. Otherwise measurements
 * on this adapter take precedence over the shipped table. On a real GPU it takes missing measurements now.
 */
export async function chooseTuning(
  device: Device,
  work: Work,
  { tune, before }: TuningRequest,
  warn: (line: string) => void,
): Promise<void> {
  const own = before && recordedTuning(before, device);
  const tuning = convTuning(device);
  if (own && tune === undefined) {
    tuning.table = own;
    return console.log('tuning   the kernels that the run began with');
  }
  if (own) warn(`--${tune ? 'tune' : 'no-tune'}: the run may go on with other kernels, and then not bit for bit`);
  const cache = new TuningCache(device.description, version);
  const known = tune === false ? new Map() : choicesOf(await cache.read(warn));
  tuning.table = known;
  const asked = tune ?? !device.capabilities.cpu;
  if (asked) tuning.table = await withMissing(known, device, work, cache);
  const shipped = `the table shipped for ${shippedTable(device).name}`;
  const { size } = tuning.table;
  console.log(`tuning   ${size === 0 ? shipped : `${size} convolutions measured on this adapter, else ${shipped}`}`);
}

/** Measures what the table lacks, within the time limit. */
async function withMissing(
  known: ReadonlyMap<string, string>,
  device: Device,
  work: Work,
  cache: TuningCache,
): Promise<ReadonlyMap<string, string>> {
  await work.checkMemory();
  const convolutions = await convolutionsOf(device, work.build);
  if (convolutions.every(({ key }) => known.has(key))) return known;
  const tuned = await measure(device, work, cache, { known, seconds: SECONDS_BEFORE_A_RUN });
  return new Map([...known, ...choicesOf(measurements(tuned))]);
}

/** Measures the convolutions of a computation, shows progress, and adds the results to the cache. */
export async function measure(
  device: Device,
  { build }: Work,
  cache: TuningCache,
  options: TuneOptions,
  say: (line: string) => void = console.log,
): Promise<Tuned[]> {
  const start = performance.now();
  const seconds = () => formatDuration((performance.now() - start) / 1000);
  const line = counter((done, total) => `tuning   ${done} of ${total} convolutions measured, ${seconds()}`);
  const onProgress = (done: number, total: number) => {
    if (done === 0) say(`tuning   measuring the kernels of ${total} convolutions, the largest first`);
    line(done, total);
  };
  const tuned = await tuneModel(device, build, { ...options, onProgress });
  const measured = `tuning   ${tuned.length} convolution${tuned.length === 1 ? '' : 's'} measured in ${seconds()}`;
  try {
    await cache.add(measurements(tuned));
    say(`${measured}, kept in ${cache.path}`);
  } catch (error) {
    // An unwritable cache directory must not stop training.
    say(`${measured}, for this once: ${(error as Error).message}`);
  }
  return tuned;
}

function measurements(tuned: readonly Tuned[]): Measurements {
  return new Map(tuned.map(({ key, chosen, entries }) => [key, { chosen, entries }]));
}
