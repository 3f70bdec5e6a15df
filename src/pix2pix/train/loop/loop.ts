import { join } from 'node:path';
import type { Device } from '../../../engine/gpu/device.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { removeStaleTemporaries } from '../../../files/files.ts';
import { FolderLock } from '../../../files/lock/lock.ts';
import { type ReportData, writeReport } from '../report/report.ts';
import { type Due, type LoopHost, type LossesRead, type RunEnd, type Trainee, TrainingLoop } from './core.ts';
import { type LogLine, LogWriter, readLog } from './folder/log.ts';
import { SampleStore } from './folder/samples.ts';
import { SaveClock } from './folder/save_clock.ts';
import type { Progress } from './progress.ts';

export const LATEST = 'latest.safetensors';
/** Checkpoints that are kept beside it: after so many epochs, or steps. */
export const ofEpoch = (epoch: number): string => `epoch-${epoch}.safetensors`;
export const ofStep = (step: number): string => `iter-${step}.safetensors`;

export interface LoopOptions {
  /** The run's folder. */
  folder: string;
  /** The folder's lock, if the caller holds it; otherwise the loop takes it. */
  lock?: FolderLock;
  name: string;
  /** Stop after this many steps in total. */
  steps: number;
  /** Stop after this many minutes of this session. */
  minutes?: number;
  /**
   * Steps between two readings of the losses, two sample grids, and two checkpoints. Checkpoints are also written at
   * least every five minutes.
   */
  logEvery: number;
  sampleEvery: number;
  saveEvery: number;
  /** Also keep a checkpoint named after its epoch, every so many epochs; 0 for never. */
  saveEveryEpochs: number;
  /** Also keep the checkpoint of each `saveEvery`, named after its step; by default not. */
  saveByStep?: boolean;
  /** Whether it was resumed from a checkpoint, whose log and pictures are continued. */
  resumed: boolean;
  /** For the checkpoint and the report. */
  record: Record<string, unknown>;
  credits?: string;
}

export interface LoopResult {
  /** Why it ended. */
  end: RunEnd;
  steps: number;
  checkpoint: string;
  report: string;
}

/** The fields of a log line for a model's losses. */
export type LossFields = Pick<
  LogLine,
  'lossD' | 'lossG' | 'lossAdv' | 'lossL1' | 'lossSsim' | 'lossCycle' | 'scoreReal' | 'scoreFake'
>;

/** A model in training with all that a run's folder needs of it. */
export interface TrainingTask<Loss extends string> extends Trainee<Loss> {
  readonly device: Device;
  /** Pictures in a step. */
  readonly batch: number;
  /** The epoch, from 0, that step `step` (from 0) belongs to. */
  epochOf(step: number): number;
  /** The losses of a step as fields of the log. */
  logged(row: Readonly<Record<Loss, number>>): LossFields;
  /** What to do about a loss that is not finite. */
  divergenceHint(epoch: number): string;
  /** Draws a sample grid, with measurements and a line about them; undefined if `stop` interrupted it. */
  sample(
    stop: () => boolean,
  ): Promise<{ grid: Uint8Array; measured: Pick<LogLine, 'testL1'>; note?: string } | undefined>;
  save(path: string, record: Record<string, unknown>): Promise<void>;
  /** The parts of the report that only the model knows. */
  report(): Pick<ReportData, 'config' | 'summary' | 'baseline' | 'charts' | 'gridNote'>;
}

/** On a slow machine `logEvery` steps are long: losses are read no later than this. */
const READ_SECONDS = 5;

const LOCK = { command: 'a training run', hint: 'Wait until it is done, or train into another folder.' };

/**
 * Runs the training loop and writes the run's folder: latest.safetensors, log.jsonl with a line per step, samples/ and
 * report.html. `interrupted` is asked after each step; if it returns true, that step is saved and training ends.
 * @throws PixtapeError if a loss is not finite, a picture cannot be read, or the disk is full; the last good
 *   checkpoint stays intact. FolderInUse if another process writes into the folder.
 */
export async function trainLoop<Loss extends string>(
  task: TrainingTask<Loss>,
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

async function loopIn<Loss extends string>(
  lock: FolderLock,
  task: TrainingTask<Loss>,
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

interface Parts<Loss extends string> {
  lock: FolderLock;
  task: TrainingTask<Loss>;
  options: LoopOptions;
  progress: Progress;
  interrupted: () => boolean;
  samples: SampleStore;
  log: LogWriter;
}

type Measured = Pick<LogLine, 'testL1'>;

/** Hosts a `TrainingLoop` in Node: writes the run's folder and the terminal. */
class Session<Loss extends string> implements LoopHost<Loss, Measured> {
  readonly readSeconds = READ_SECONDS;
  private readonly parts: Parts<Loss>;
  private readonly start = performance.now();
  private readonly secondsBefore: number;
  private readonly limit: number | undefined;
  private readonly saves = new SaveClock();

  constructor(parts: Parts<Loss>) {
    this.parts = parts;
    this.secondsBefore = Number(parts.options.record.seconds ?? 0);
    const { minutes } = parts.options;
    this.limit = minutes === undefined ? undefined : minutes * 60;
  }

  async loop(): Promise<LoopResult> {
    const { task, options, progress } = this.parts;
    progress.start(options.steps, task.step, this.limit);
    let end: RunEnd;
    try {
      end = await new TrainingLoop(task, this).run();
    } catch (error) {
      if (this.mayStillSave(error)) await this.save(LATEST).catch(() => undefined);
      // The report must not go on saying that the run continues. The error itself says what went wrong.
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

  /** A disk without room for a picture may have it for a checkpoint, a device without memory may still be read. */
  private mayStillSave(error: unknown): boolean {
    if (!(error instanceof PixtapeError)) return false;
    const { code, details } = error;
    return code === 'out-of-memory' || (code === 'disk' && details.path !== join(this.parts.options.folder, LATEST));
  }

  ended(): RunEnd | undefined {
    const { task, options } = this.parts;
    if (task.step >= options.steps) return 'done';
    if (this.interrupted()) return 'interrupted';
    return this.limit !== undefined && secondsSince(this.start) >= this.limit ? 'time' : undefined;
  }

  interrupted(): boolean {
    return this.parts.interrupted();
  }

  due(end: RunEnd | undefined): Due {
    const { task, options } = this.parts;
    const every = (steps: number): boolean => steps > 0 && task.step % steps === 0;
    const epoch = task.epochOf(task.step - 1);
    const epochOver = task.epochOf(task.step) > epoch && options.saveEveryEpochs > 0;
    const files = [
      ...(epochOver && (epoch + 1) % options.saveEveryEpochs === 0 ? [ofEpoch(epoch + 1)] : []),
      ...(options.saveByStep && every(options.saveEvery) ? [ofStep(task.step)] : []),
      ...(this.saves.isDue() || end || every(options.saveEvery) ? [LATEST] : []),
    ];
    return {
      losses: every(options.logEvery),
      sample: end === undefined ? every(options.sampleEvery) : end !== 'interrupted',
      save: files.length > 0 ? () => this.saveAll(files) : undefined,
    };
  }

  verify(): Promise<void> {
    return this.parts.lock.verify();
  }

  onStep(): void {
    this.parts.progress.update(this.parts.task.step);
  }

  /** Logs the losses and what a sample grid measured. */
  async onLosses({ rows, steps, seconds: elapsed, at, sample }: LossesRead<Loss, Measured>): Promise<void> {
    const { task, log, progress } = this.parts;
    const until = this.seconds(at);
    const imagesPerSecond = rounded((steps * task.batch) / elapsed);
    for (const [i, row] of rows.entries()) {
      const step = row.step + 1;
      const seconds = rounded(until - elapsed * (1 - (i + 1) / steps));
      const also = step === task.step ? sample : {};
      await log.append({ step, epoch: task.epochOf(row.step), ...task.logged(row), imagesPerSecond, seconds, ...also });
    }
    const last = rows.at(-1);
    if (last) {
      const { lossD, lossG } = task.logged(last);
      progress.update(task.step, { imagesPerSecond, lossD, lossG });
    }
    // After the log, so that the report's curves reach up to its pictures.
    if (sample) await this.report(undefined);
  }

  diverged(step: number, name: string, value: number): PixtapeError {
    const { task, options } = this.parts;
    return new PixtapeError(
      `step ${step + 1}: the ${name} is ${value}. Training has stopped; no checkpoint was written after that step.`,
      `${task.divergenceHint(task.epochOf(step))} Where ${join(options.folder, LATEST)} exists it is good, and --continue_train goes on from it.`,
    );
  }

  /** Draws and keeps a sample grid; undefined if Ctrl-C interrupted it. */
  async sample(): Promise<Measured | undefined> {
    const { task, samples, progress, interrupted } = this.parts;
    const drawn = await task.sample(interrupted);
    if (!drawn) return undefined;
    await samples.add(task.step, drawn.grid);
    if (drawn.note !== undefined) progress.note(`step ${task.step}: ${drawn.note}`);
    return drawn.measured;
  }

  private async saveAll(names: readonly string[]): Promise<void> {
    for (const name of names) await this.save(name);
  }

  private async save(name: string): Promise<void> {
    const { task, options } = this.parts;
    const write = () => task.save(join(options.folder, name), { ...options.record, seconds: this.seconds() });
    await (name === LATEST ? this.saves.during(write) : write());
  }

  /** Seconds of training so far, including earlier sessions. */
  private seconds(now = performance.now()): number {
    return this.secondsBefore + (now - this.start) / 1000;
  }

  /** Writes report.html. `ended` says how the run ended; undefined while it continues. */
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

/** Rounds to the digits that a log needs. */
const rounded = (value: number): number => Number(value.toPrecision(6));

const secondsSince = (time: number): number => (performance.now() - time) / 1000;
