import { join } from 'node:path';
import type { BatchLoader } from '../data/batches.ts';
import type { Dataset } from '../data/dataset.ts';
import { PixtapeError } from '../util/errors.ts';
import { removeStaleTemporaries } from '../util/files.ts';
import { saveCheckpoint } from './checkpoint.ts';
import { learningRates } from './config.ts';
import { HeldOut, type HeldOutOptions } from './held_out.ts';
import { LogWriter, readLog } from './log.ts';
import { RING_LENGTH } from './loss_ring.ts';
import type { Losses, Pix2Pix } from './pix2pix.ts';
import type { Progress } from './progress.ts';
import { writeReport } from './report.ts';
import { SampleStore } from './samples.ts';

export const LATEST = 'latest.safetensors';

export interface RunOptions {
  /** The run's folder. */
  folder: string;
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
  heldOut: HeldOutOptions;
  /** Resumed from a checkpoint: its log and pictures are continued. */
  resumed: boolean;
  /** For the checkpoint and the report. */
  record: Record<string, unknown>;
  credits?: string;
}

export type RunEnd = 'done' | 'time' | 'interrupted';

export interface RunResult {
  /** Why it ended. */
  end: RunEnd;
  steps: number;
  /** The last measure on held-out pictures, and what copying the input scores there; undefined if none was taken. */
  testL1: number | undefined;
  baselineL1: number;
  checkpoint: string;
  report: string;
}

/** On a slow machine `logEvery` steps are long: losses are looked at, and a checkpoint written, no later than this. */
const LOOK_SECONDS = 5;
const SAVE_SECONDS = 600;

/**
 * The training loop with everything that it leaves in the run's folder: latest.safetensors, log.jsonl with a line for
 * each step, samples/ and report.html. `interrupted` is asked after each step; when it says so, the step is finished and
 * saved, and that is all.
 * @throws PixtapeError when a loss is not finite, a picture cannot be read, the disk is full; the last good checkpoint
 *   is intact then.
 */
export async function run(
  model: Pix2Pix,
  loader: BatchLoader,
  test: Dataset,
  options: RunOptions,
  progress: Progress,
  interrupted: () => boolean,
): Promise<RunResult> {
  await removeStaleTemporaries(options.folder);
  await removeStaleTemporaries(join(options.folder, 'samples'));
  const lastStep = options.resumed ? model.step : undefined;
  const samples = await SampleStore.open(join(options.folder, 'samples'), lastStep ?? -1);
  const heldOut = await HeldOut.load(test, options.heldOut);
  const log = await LogWriter.open(join(options.folder, 'log.jsonl'), lastStep);
  const session = new Session({ model, loader, options, progress, interrupted, samples, heldOut, log });
  try {
    return await session.loop();
  } finally {
    log.close();
    progress.stop();
  }
}

interface Parts {
  model: Pix2Pix;
  loader: BatchLoader;
  options: RunOptions;
  progress: Progress;
  interrupted: () => boolean;
  samples: SampleStore;
  heldOut: HeldOut;
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
  private testL1: number | undefined;

  constructor(parts: Parts) {
    this.parts = parts;
    this.looked = parts.model.step;
    this.secondsBefore = Number(parts.options.record.seconds ?? 0);
  }

  async loop(): Promise<RunResult> {
    const { model, loader, options, progress, heldOut, interrupted } = this.parts;
    const limit = options.minutes === undefined ? undefined : options.minutes * 60;
    progress.start(options.steps, model.step, limit);
    let end: RunEnd | undefined;
    let inFlight: Promise<unknown> = Promise.resolve();
    try {
      while (!end) {
        const batch = await loader.batch(model.step);
        // One step runs while the next is being prepared, no more: Ctrl-C and the clock should not wait for a long queue.
        await inFlight;
        model.train(batch, batch.epochsDone);
        inFlight = model.device.finished();
        end = this.ended(limit);
        await this.tend(batch.epoch, end);
        if (end || !interrupted()) continue;
        // Ctrl-C came while something was measured or saved: another step could take minutes.
        end = 'interrupted';
        await this.tend(batch.epoch, end);
      }
    } catch (error) {
      // The report should not go on saying that training does. What went wrong is told by the error itself.
      await this.report('stopped by an error').catch(() => undefined);
      throw error;
    }
    progress.stop();
    const how = { done: 'all steps done', time: `after ${options.minutes} min`, interrupted: 'interrupted' }[end];
    return {
      end,
      steps: model.step,
      testL1: this.testL1,
      baselineL1: heldOut.baseline,
      checkpoint: join(options.folder, LATEST),
      report: await this.report(how),
    };
  }

  private ended(limit = Number.POSITIVE_INFINITY): RunEnd | undefined {
    const { model, options, interrupted } = this.parts;
    if (model.step >= options.steps) return 'done';
    if (interrupted()) return 'interrupted';
    return (performance.now() - this.start) / 1000 >= limit ? 'time' : undefined;
  }

  /** What is due after a step: reading and logging the losses, a sample grid, checkpoints. */
  private async tend(epoch: number, end: RunEnd | undefined): Promise<void> {
    const { model, loader, options, progress } = this.parts;
    const due = (every: number): boolean => every > 0 && model.step % every === 0;
    const since = (time: number): number => (performance.now() - time) / 1000;
    const epochOver = loader.epochOf(model.step) > epoch && options.saveEveryEpochs > 0;
    const keepEpoch = epochOver && (epoch + 1) % options.saveEveryEpochs === 0;
    const sample = end === undefined ? due(options.sampleEvery) : end !== 'interrupted';
    const save = end !== undefined || due(options.saveEvery) || since(this.savedAt) > SAVE_SECONDS;
    const ringFull = model.step - this.looked >= RING_LENGTH;
    const look = due(options.logEvery) || ringFull || since(this.lookedAt) > LOOK_SECONDS;
    if (!(look || sample || save || keepEpoch)) return progress.update(model.step);
    await this.look(sample);
    if (keepEpoch) await this.save(`epoch-${epoch + 1}.safetensors`);
    if (save) await this.save(LATEST);
    this.lookedAt = performance.now();
  }

  /** Logs the losses since the last look, held-out measure included, and stops the run where one is not a number. */
  private async look(sample: boolean): Promise<void> {
    const { model, loader, log, progress } = this.parts;
    const rows = await model.lossesSince(this.looked);
    const elapsed = (performance.now() - this.lookedAt) / 1000;
    const until = this.seconds();
    const imagesPerSecond = rounded((rows.length * model.config.batch) / elapsed);
    const bad = rows.findIndex((row) => notFinite(row) !== undefined);
    const testL1 = sample && bad < 0 ? await this.sample() : undefined;
    for (const [i, row] of (bad < 0 ? rows : rows.slice(0, bad + 1)).entries()) {
      const step = row.step + 1;
      const seconds = rounded(until - elapsed * (1 - (i + 1) / rows.length));
      const losses = { lossD: row.disc, lossG: row.gen, lossAdv: row.adv, lossL1: row.l1 };
      const measured = step === model.step && testL1 !== undefined ? { testL1 } : {};
      await log.append({ step, epoch: loader.epochOf(row.step), ...losses, imagesPerSecond, seconds, ...measured });
    }
    this.looked = model.step;
    const latest = rows[bad < 0 ? rows.length - 1 : bad];
    if (latest) progress.update(model.step, { imagesPerSecond, lossD: latest.disc, lossG: latest.gen });
    if (bad >= 0 && latest) throw this.diverged(latest);
    // After the log, so that the report's curves reach up to its pictures.
    if (testL1 !== undefined) await this.report(undefined);
  }

  private diverged(row: Losses & { step: number }): PixtapeError {
    const { model, loader, options } = this.parts;
    const name = notFinite(row) ?? 'disc';
    const label = { disc: 'PatchGAN loss', gen: 'generator loss', adv: 'adversarial loss', l1: 'L1 loss' }[name];
    const { gen, disc } = learningRates(model.config, loader.epochOf(row.step));
    return new PixtapeError(
      `step ${row.step + 1}: the ${label} is ${row[name]}. Training has stopped; no checkpoint was written after that step.`,
      `Learning rates were ${gen} (generator) and ${disc} (PatchGAN): try smaller ones (--lr, --lr_D). Where ` +
        `${join(options.folder, LATEST)} exists it is good, and --continue_train goes on from it.`,
    );
  }

  /** Measures on the held-out pictures and keeps the sample grid; undefined where Ctrl-C came in between. */
  private async sample(): Promise<number | undefined> {
    const { model, heldOut, samples, progress, interrupted } = this.parts;
    const evaluated = await heldOut.evaluate(model, interrupted);
    if (!evaluated) return undefined;
    const { grid, l1 } = evaluated;
    this.testL1 = l1;
    await samples.add(model.step, grid);
    const copying = `copying the input: ${heldOut.baseline.toFixed(4)}`;
    progress.note(`step ${model.step}: held-out L1 ${l1.toFixed(4)} (${copying})`);
    return l1;
  }

  /** Only after `look`: a state that came from a NaN must not replace a good one. */
  private async save(name: string): Promise<void> {
    const { model, options } = this.parts;
    await saveCheckpoint(join(options.folder, name), model, { ...options.record, seconds: this.seconds() });
    if (name === LATEST) this.savedAt = performance.now();
  }

  /** Seconds of training so far, earlier sessions included. */
  private seconds(): number {
    return this.secondsBefore + (performance.now() - this.start) / 1000;
  }

  /** Writes report.html; `ended` says how the run ended, undefined while it goes on. */
  private async report(ended: string | undefined): Promise<string> {
    const { model, options, heldOut, samples, log } = this.parts;
    const { testL1 } = this;
    const percent = (n: number) => `${Math.abs(100 * n).toFixed(0)} % ${n < 0 ? 'below' : 'above'}`;
    const summary = [
      ...(testL1 === undefined ? [] : [{ label: 'Held-out L1', value: testL1.toFixed(4) }]),
      { label: 'Copying the input', value: heldOut.baseline.toFixed(4) },
      ...(testL1 === undefined ? [] : [{ label: 'Against copying', value: percent(testL1 / heldOut.baseline - 1) }]),
      { label: 'Measured on', value: `${heldOut.count} of ${heldOut.of} held-out pictures` },
      ...(ended === undefined ? [] : [{ label: 'Ended', value: ended }]),
    ];
    return writeReport(options.folder, {
      title: options.name,
      config: { ...options.record, seconds: undefined, ...model.config },
      adapter: model.device.description,
      log: await readLog(log.path),
      samples: await samples.read(),
      summary,
      baseline: { label: 'copying the input', value: heldOut.baseline },
      ...(options.credits === undefined ? {} : { credits: options.credits }),
      finished: ended !== undefined,
    });
  }
}

/** Enough digits for a log that people read. */
const rounded = (value: number): number => Number(value.toPrecision(6));

function notFinite(row: Losses): keyof Losses | undefined {
  return (['disc', 'gen', 'adv', 'l1'] as const).find((name) => !Number.isFinite(row[name]));
}
