import { join } from 'node:path';
import { PixtapeError } from '../../../../engine/util/errors.ts';
import type { FolderLock } from '../../../../files/lock/lock.ts';
import { writeReport } from '../../report/report.ts';
import { type Due, type LoopHost, type LossesRead, type RunEnd, TrainingLoop } from '../core.ts';
import { inPhase } from '../phases.ts';
import type { Progress } from '../progress.ts';
import { type FolderTask, LATEST, type LoopOptions, type LoopResult, ofEpoch, ofStep } from '../task.ts';
import { type LogLine, type LogWriter, readLog } from './log.ts';
import { Pace } from './pace.ts';
import type { SampleStore } from './samples.ts';
import { SaveClock } from './save_clock.ts';

/** Longest time between two readings of the losses: on a slow machine `logEvery` steps take long. */
const READ_SECONDS = 5;

interface Parts<Loss extends string> {
  lock: FolderLock;
  task: FolderTask<Loss>;
  options: LoopOptions;
  progress: Progress;
  interrupted: () => boolean;
  samples: SampleStore;
  log: LogWriter;
}

type Measured = Pick<LogLine, 'testL1'>;

/** Hosts a `TrainingLoop` in Node: writes the run's folder and the terminal. */
export class Session<Loss extends string> implements LoopHost<Loss, Measured> {
  readonly readSeconds = READ_SECONDS;
  private readonly parts: Parts<Loss>;
  private readonly start = performance.now();
  private readonly secondsBefore: number;
  private readonly limit: number | undefined;
  private readonly saves = new SaveClock();
  private readonly pace = new Pace();

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
      end = await inPhase('training', () => new TrainingLoop(task, this).run());
    } catch (error) {
      if (this.mayStillSave(error)) await this.save(LATEST).catch(() => undefined);
      // The report must not say that the run continues. The error itself says what went wrong.
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

  /** A disk too full for a picture may have room for a checkpoint, and a device without memory can still be read. */
  private mayStillSave(error: unknown): boolean {
    if (!(error instanceof PixtapeError)) return false;
    const { code, details } = error;
    return code === 'out-of-memory' || (code === 'disk' && details.path !== join(this.parts.options.folder, LATEST));
  }

  async ended(): Promise<RunEnd | undefined> {
    const { options, task } = this.parts;
    return options.agree ? options.agree(this.wish(), task.step) : this.wish();
  }

  private wish(): RunEnd | undefined {
    const { task, options, interrupted } = this.parts;
    if (task.step >= options.steps) return 'done';
    if (interrupted()) return 'interrupted';
    return this.limit !== undefined && secondsSince(this.start) >= this.limit ? 'time' : undefined;
  }

  /** With several ranks a run is interrupted only after a step. */
  interrupted(): boolean {
    return this.parts.options.agree === undefined && this.parts.interrupted();
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
    this.judgePace();
  }

  private judgePace(): void {
    const { task, options } = this.parts;
    const seconds = this.pace.stepped(task.step, options.steps);
    if (seconds !== undefined) options.onPace?.(Math.min(seconds, this.limit ?? seconds));
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
    if (!sample) this.judgePace();
    // Written after the log, so that the report's curves reach its pictures.
    if (sample) await inPhase('pictures', () => this.report(undefined));
  }

  diverged(step: number, name: string, value: number): PixtapeError {
    const { task, options } = this.parts;
    return new PixtapeError(
      `step ${step + 1}: the ${name} is ${value}. Training has stopped; no checkpoint was written after that step.`,
      `${task.divergenceHint(task.epochOf(step))} Where ${join(options.folder, LATEST)} exists it is good, and --continue_train goes on from it.`,
    );
  }

  /** Draws and keeps a sample grid; undefined if Ctrl-C interrupted it. */
  async sample(last: boolean): Promise<Measured | undefined> {
    const { task, samples, progress, interrupted } = this.parts;
    progress.update(task.step);
    const onPainted = (done: number, total: number) => progress.activity(`painting ${done + 1}/${total}`);
    const drawn = await inPhase('measuring', () => task.sample({ stop: interrupted, last, onPainted }));
    progress.activity();
    if (!drawn) return undefined;
    await inPhase('pictures', () => samples.add(task.step, drawn.grid));
    if (drawn.note !== undefined) progress.note(`step ${task.step}: ${drawn.note}`);
    return drawn.measured;
  }

  private async saveAll(names: readonly string[]): Promise<void> {
    for (const name of names) await this.save(name);
  }

  private async save(name: string): Promise<void> {
    const { task, options } = this.parts;
    const write = () => task.save(join(options.folder, name), { ...options.record, seconds: this.seconds() });
    await inPhase('checkpoints', () => (name === LATEST ? this.saves.during(write) : write()));
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
