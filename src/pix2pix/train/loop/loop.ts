import { join } from 'node:path';
import type { Device } from '../../../engine/gpu/device.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { DiskError } from '../../../files/disk_error.ts';
import { removeStaleTemporaries } from '../../../files/files.ts';
import { FolderLock } from '../../../files/lock.ts';
import { type ReportData, writeReport } from '../report/report.ts';
import { RING_LENGTH } from '../steps/loss_ring.ts';
import { type LogLine, LogWriter, readLog } from './log.ts';
import type { Progress } from './progress.ts';
import { SampleStore } from './samples.ts';

export const LATEST = 'latest.safetensors';

export interface LoopOptions {
  /** The run's folder. */
  folder: string;
  /** Of the folder, where the caller has it already; else it is taken for as long as the loop runs. */
  lock?: FolderLock;
  name: string;
  /** Stop after this many steps in all. */
  steps: number;
  /** Stop after this many minutes of this session. */
  minutes?: number;
  /** Steps between two looks at the losses, between two sample grids, between two checkpoints. */
  logEvery: number;
  sampleEvery: number;
  saveEvery: number;
  /** Also keep a checkpoint named by its epoch, every so many epochs; 0 for never. */
  saveEveryEpochs: number;
  /** Resumed from a checkpoint: its log and pictures are continued. */
  resumed: boolean;
  /** For the checkpoint and the report. */
  record: Record<string, unknown>;
  credits?: string;
}

export type RunEnd = 'done' | 'time' | 'interrupted';

export interface LoopResult {
  /** Why it ended. */
  end: RunEnd;
  steps: number;
  checkpoint: string;
  report: string;
}

/** The fields of a log line that a model's losses go to. */
export type LossFields = Pick<
  LogLine,
  'lossD' | 'lossG' | 'lossAdv' | 'lossL1' | 'lossSsim' | 'scoreReal' | 'scoreFake'
>;

/** What the loop has to know of what it trains. */
export interface TrainingTask {
  readonly device: Device;
  /** Steps done, and pictures in each. */
  readonly step: number;
  readonly batch: number;
  /** Loads the next step's batch; the function that it gives hands the step to the device, without waiting. */
  prepareStep(): Promise<() => void>;
  /** The epoch, from 0, that step `step` (from 0) belongs to. */
  epochOf(step: number): number;
  /** The losses of the steps since `from`. Waits for the GPU. */
  lossesSince(from: number): Promise<{ step: number; losses: LossFields }[]>;
  /** Asked after each look at the losses. @throws PixtapeError if something else than a loss has to stop the run */
  check?(): Promise<void>;
  /** What a loss is called, and what to do about one that is not finite. */
  lossName(field: keyof LossFields): string;
  divergenceHint(epoch: number): string;
  /** A sample grid, what was measured with it, and a line about it; undefined where `stop` said so in between. */
  sample(
    stop: () => boolean,
  ): Promise<{ grid: Uint8Array; measured: Pick<LogLine, 'testL1'>; note?: string } | undefined>;
  save(path: string, record: Record<string, unknown>): Promise<void>;
  /** The parts of the report that only the model knows. */
  report(): Pick<ReportData, 'config' | 'summary' | 'baseline' | 'charts' | 'gridNote'>;
}

/** On a slow machine `logEvery` steps are long: losses are looked at, and a checkpoint written, no later than this. */
const LOOK_SECONDS = 5;
const SAVE_SECONDS = 600;

const LOCK = { command: 'a training run', hint: 'Wait until it is done, or train into another folder.' };

/**
 * The training loop with everything that it leaves in the run's folder: latest.safetensors, log.jsonl with a line for
 * each step, samples/ and report.html. `interrupted` is asked after each step; when it says so, the step is finished and
 * saved, and that is all.
 * @throws PixtapeError when a loss is not finite, a picture cannot be read, the disk is full; the last good checkpoint
 *   is intact then. FolderInUse where another process writes into the folder.
 */
export async function trainLoop(
  task: TrainingTask,
  options: LoopOptions,
  progress: Progress,
  interrupted: () => boolean,
): Promise<LoopResult> {
  const lock = options.lock ?? (await FolderLock.take(options.folder, LOCK));
  try {
    await lock.verify();
    return await loopIn(lock, task, options, progress, interrupted);
  } finally {
    if (!options.lock) await lock.release();
  }
}

async function loopIn(
  lock: FolderLock,
  task: TrainingTask,
  options: LoopOptions,
  progress: Progress,
  interrupted: () => boolean,
): Promise<LoopResult> {
  await removeStaleTemporaries(join(options.folder, 'samples'));
  const lastStep = options.resumed ? task.step : undefined;
  const samples = await SampleStore.open(join(options.folder, 'samples'), lastStep ?? -1);
  const log = await LogWriter.open(join(options.folder, 'log.jsonl'), lastStep);
  const session = new Session({ lock, task, options, progress, interrupted, samples, log });
  try {
    return await session.loop();
  } finally {
    log.close();
    progress.stop();
  }
}

interface Parts {
  lock: FolderLock;
  task: TrainingTask;
  options: LoopOptions;
  progress: Progress;
  interrupted: () => boolean;
  samples: SampleStore;
  log: LogWriter;
}

class Session {
  private readonly parts: Parts;
  private readonly start = performance.now();
  private readonly secondsBefore: number;
  /** The last step whose losses are logged, and when the steps after it began. */
  private looked: number;
  private lookedAt = this.start;
  private savedAt = this.start;

  constructor(parts: Parts) {
    this.parts = parts;
    this.looked = parts.task.step;
    this.secondsBefore = Number(parts.options.record.seconds ?? 0);
  }

  async loop(): Promise<LoopResult> {
    const { task, options, progress, interrupted } = this.parts;
    const limit = options.minutes === undefined ? undefined : options.minutes * 60;
    progress.start(options.steps, task.step, limit);
    let end: RunEnd | undefined;
    let inFlight: Promise<unknown> = Promise.resolve();
    try {
      while (!end) {
        const epoch = task.epochOf(task.step);
        const run = await task.prepareStep();
        // One step runs while the next is being prepared, no more: Ctrl-C and the clock should not wait for a long queue.
        await inFlight;
        run();
        inFlight = task.device.drain();
        end = this.ended(limit);
        await this.afterStep(epoch, end);
        if (end || !interrupted()) continue;
        // Ctrl-C came while something was measured or saved: another step could take minutes.
        end = 'interrupted';
        await this.afterStep(epoch, end);
      }
    } catch (error) {
      // A disk that has no room for a picture may have it for a checkpoint: less is lost then.
      if (error instanceof DiskError && error.details.path !== join(options.folder, LATEST)) {
        await this.save(LATEST).catch(() => undefined);
      }
      // The report should not go on saying that training does. What went wrong is told by the error itself.
      await this.report('stopped by an error').catch(() => undefined);
      throw error;
    }
    progress.stop();
    const how = { done: 'all steps done', time: `after ${options.minutes} min`, interrupted: 'interrupted' }[end];
    return {
      end,
      steps: task.step,
      checkpoint: join(options.folder, LATEST),
      report: await this.report(how),
    };
  }

  private ended(limit = Number.POSITIVE_INFINITY): RunEnd | undefined {
    const { task, options, interrupted } = this.parts;
    if (task.step >= options.steps) return 'done';
    if (interrupted()) return 'interrupted';
    return (performance.now() - this.start) / 1000 >= limit ? 'time' : undefined;
  }

  /** What is due after a step: reading and logging the losses, a sample grid, checkpoints. */
  private async afterStep(epoch: number, end: RunEnd | undefined): Promise<void> {
    const { task, options, progress } = this.parts;
    const due = (every: number): boolean => every > 0 && task.step % every === 0;
    const since = (time: number): number => (performance.now() - time) / 1000;
    const epochOver = task.epochOf(task.step) > epoch && options.saveEveryEpochs > 0;
    const keepEpoch = epochOver && (epoch + 1) % options.saveEveryEpochs === 0;
    const sample = end === undefined ? due(options.sampleEvery) : end !== 'interrupted';
    const save = end !== undefined || due(options.saveEvery) || since(this.savedAt) > SAVE_SECONDS;
    const ringFull = task.step - this.looked >= RING_LENGTH;
    const look = due(options.logEvery) || ringFull || since(this.lookedAt) > LOOK_SECONDS;
    if (!(look || sample || save || keepEpoch)) return progress.update(task.step);
    await this.parts.lock.verify();
    await this.readLosses(sample);
    if (keepEpoch) await this.save(`epoch-${epoch + 1}.safetensors`);
    if (save) await this.save(LATEST);
    this.lookedAt = performance.now();
  }

  /** Logs the losses since the last look, with what a sample grid measured, and stops the run where one is no number. */
  private async readLosses(sample: boolean): Promise<void> {
    const { task, log, progress } = this.parts;
    const rows = await task.lossesSince(this.looked);
    const elapsed = (performance.now() - this.lookedAt) / 1000;
    const until = this.seconds();
    const imagesPerSecond = rounded((rows.length * task.batch) / elapsed);
    const bad = rows.findIndex(({ losses }) => notFinite(losses) !== undefined);
    const measured = sample && bad < 0 ? await this.sample() : undefined;
    for (const [i, row] of (bad < 0 ? rows : rows.slice(0, bad + 1)).entries()) {
      const step = row.step + 1;
      const seconds = rounded(until - elapsed * (1 - (i + 1) / rows.length));
      const also = step === task.step ? measured : {};
      await log.append({ step, epoch: task.epochOf(row.step), ...row.losses, imagesPerSecond, seconds, ...also });
    }
    this.looked = task.step;
    const latest = rows[bad < 0 ? rows.length - 1 : bad];
    if (latest) {
      const { lossD, lossG } = latest.losses;
      progress.update(task.step, { imagesPerSecond, lossD, lossG });
    }
    if (bad >= 0 && latest) throw this.diverged(latest.step, latest.losses);
    await task.check?.();
    // After the log, so that the report's curves reach up to its pictures.
    if (measured) await this.report(undefined);
  }

  private diverged(step: number, losses: LossFields): PixtapeError {
    const { task, options } = this.parts;
    const field = notFinite(losses) ?? 'lossD';
    return new PixtapeError(
      `step ${step + 1}: the ${task.lossName(field)} is ${losses[field]}. Training has stopped; no checkpoint was written after that step.`,
      `${task.divergenceHint(task.epochOf(step))} Where ${join(options.folder, LATEST)} exists it is good, and --continue_train goes on from it.`,
    );
  }

  /** Keeps a sample grid; undefined where Ctrl-C came in between. */
  private async sample(): Promise<Pick<LogLine, 'testL1'> | undefined> {
    const { task, samples, progress, interrupted } = this.parts;
    const drawn = await task.sample(interrupted);
    if (!drawn) return undefined;
    await samples.add(task.step, drawn.grid);
    if (drawn.note !== undefined) progress.note(`step ${task.step}: ${drawn.note}`);
    return drawn.measured;
  }

  /** Only after `look`: a state that came from a NaN must not replace a good one. */
  private async save(name: string): Promise<void> {
    const { task, options } = this.parts;
    await task.save(join(options.folder, name), { ...options.record, seconds: this.seconds() });
    if (name === LATEST) this.savedAt = performance.now();
  }

  /** Seconds of training so far, earlier sessions included. */
  private seconds(): number {
    return this.secondsBefore + (performance.now() - this.start) / 1000;
  }

  /** Writes report.html; `ended` says how the run ended, undefined while it goes on. */
  private async report(ended: string | undefined): Promise<string> {
    const { task, options, samples, log } = this.parts;
    const { config, summary = [], ...more } = task.report();
    return writeReport(options.folder, {
      title: options.name,
      config: { ...options.record, seconds: undefined, tuning: undefined, ...config },
      adapter: task.device.description,
      log: await readLog(log.path),
      samples: await samples.read(),
      ...more,
      summary: [...summary, ...(ended === undefined ? [] : [{ label: 'Ended', value: ended }])],
      ...(options.credits === undefined ? {} : { credits: options.credits }),
      finished: ended !== undefined,
    });
  }
}

/** Enough digits for a log that people read. */
const rounded = (value: number): number => Number(value.toPrecision(6));

function notFinite(losses: LossFields): keyof LossFields | undefined {
  const fields = Object.keys(losses) as (keyof LossFields)[];
  return fields.find((field) => !Number.isFinite(losses[field]));
}
