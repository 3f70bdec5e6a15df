import { PixtapeError } from '../../../engine/util/errors.ts';
import { encodeSafetensors } from '../../../engine/util/safetensors.ts';
import { BatchLoader, stepsPerEpoch } from '../../../pix2pix/data/sets/batches.ts';
import type { OpenedData } from '../../../pix2pix/data/sets/dataset.ts';
import type { RunRecord } from '../../../pix2pix/train/checkpoint/run_record.ts';
import { captureState, encodeHeader } from '../../../pix2pix/train/checkpoint/state.ts';
import type { TrainConfig } from '../../../pix2pix/train/config/config.ts';
import { learningRates, scheduledSteps } from '../../../pix2pix/train/config/rates.ts';
import { differenceScale } from '../../../pix2pix/train/config/value_range.ts';
import {
  type Due,
  type LoopHost,
  type LossesRead,
  type RunEnd,
  TrainingLoop,
} from '../../../pix2pix/train/loop/core.ts';
import { Pix2PixTask } from '../../../pix2pix/train/loop/pix2pix_task.ts';
import type { Losses, Pix2Pix } from '../../../pix2pix/train/steps/pix2pix.ts';
import { isLost, lossOf } from '../../shared/device.ts';
import { failureOf } from '../../shared/remote.ts';
import type { Samples, Schedule, TrainEvent } from '../types.ts';
import { build, LostAgain, type Snapshot } from './build.ts';
import { HeldOutSamples } from './held_out.ts';

/** Seconds between two readings of the losses, and between two snapshots at least. */
const READ_SECONDS = 1;
const SNAPSHOT_SECONDS = 20;
/** Snapshots may take at most this fraction of the time. */
const SNAPSHOT_SHARE = 0.05;
/** Seconds between samples: short at first, when much changes, then growing. */
const SAMPLE_SECONDS = { first: 4, most: 20, growth: 1.5 };
/** How many devices may be lost in a row, without a step in between, before it gives up. */
const MOST_LOSSES = 3;

type Emit = (event: TrainEvent) => void;

/**
 * One training run in a browser. Runs until it is paused or its epochs are over, reports progress, and survives the
 * loss of its device by going back to its last snapshot. The recorded step, and so its numbers, are the same as in
 * Node.
 */
export class Trainer implements LoopHost<keyof Losses, Samples> {
  readonly readSeconds = READ_SECONDS;
  readonly record: RunRecord;
  /** A copy of its own, in which the model looks up each step's learning rates: a new schedule takes effect at once. */
  private readonly config: TrainConfig;
  private readonly emit: Emit;
  private readonly loader: BatchLoader;
  private readonly heldOut: HeldOutSamples;
  private model: Pix2Pix;
  private snapshot: Snapshot;
  private paused = true;
  private running: Promise<void> = Promise.resolve();
  private sampleEvery = SAMPLE_SECONDS.first;
  private sampledAt = Number.NEGATIVE_INFINITY;
  private snapshotAt = 0;
  private snapshotEvery = SNAPSHOT_SECONDS;
  private losses = 0;
  private turn: Promise<void> = Promise.resolve();

  private constructor(
    config: TrainConfig,
    record: RunRecord,
    data: OpenedData,
    heldOut: HeldOutSamples,
    model: Pix2Pix,
    snapshot: Snapshot,
    emit: Emit,
  ) {
    this.config = config;
    this.record = record;
    this.loader = new BatchLoader(data.train, {
      batchSize: config.batch,
      seed: config.seed,
      serial: record.data.serial,
    });
    this.heldOut = heldOut;
    this.model = model;
    this.snapshot = snapshot;
    this.emit = emit;
  }

  /** @param from the state to continue from; without it, weights are drawn from the configuration's seed */
  static async open(
    config: TrainConfig,
    record: RunRecord,
    data: OpenedData,
    from: Snapshot | undefined,
    emit: Emit,
  ): Promise<Trainer> {
    refuseIfOver(from?.step ?? 0, scheduledSteps(config, stepsPerEpoch(data.train.length, config.batch)));
    const heldOut = await HeldOutSamples.load(data.test);
    const model = await build(config, from, emit);
    const { description } = model.device;
    const parameters = model.generator.parameterCount;
    if (record.adapter !== undefined && record.adapter !== description) {
      emit({
        kind: 'warning',
        text: `the run began on ${record.adapter}: here its numbers may differ in the last digits`,
      });
    }
    emit({ kind: 'opened', summary: data.summary, adapter: description, parameters });
    const snapshot = from ?? { step: 0, tensors: await captureState(model) };
    const kept = { ...record, pairs: record.pairs ?? data.train.length, adapter: record.adapter ?? description };
    return new Trainer(config, kept, data, heldOut, model, snapshot, emit);
  }

  /** Changes how long to train. @throws PixtapeError if the run has already done as many steps */
  reschedule(schedule: Schedule): void {
    refuseIfOver(this.model.step, scheduledSteps({ ...this.config, ...schedule }, this.loader.stepsPerEpoch));
    Object.assign(this.config, schedule);
  }

  private get lastStep(): number {
    return scheduledSteps(this.config, this.loader.stepsPerEpoch);
  }

  /** Trains until `pause` or to the end. */
  start(): void {
    if (!this.paused) return;
    this.paused = false;
    this.losses = 0;
    this.running = this.running
      .then(() => this.run())
      .catch((error: unknown) => {
        this.paused = true;
        this.emit({ kind: 'failed', failure: failureOf(error) });
      });
  }

  /** Stops after the current step. */
  async pause(): Promise<void> {
    this.paused = true;
    await this.running;
  }

  /**
   * The current state as a checkpoint in pieces, in the command line's format; the last snapshot if the device is lost.
   */
  async checkpoint(): Promise<{ pieces: Uint8Array[]; step: number }> {
    await this.alone(() => this.takeSnapshot()).catch(async (error: unknown) => {
      if ((await lossOf(this.model.device)) === undefined) throw error;
    });
    const { step, tensors } = this.snapshot;
    return { pieces: encodeSafetensors(tensors, encodeHeader({ config: this.config, step, run: this.record })), step };
  }

  destroy(): void {
    this.model.device.destroy();
  }

  private async run(): Promise<void> {
    this.emit({ kind: 'running' });
    // If the device is lost at the very end, the run goes back and is no longer over.
    while (!(this.paused || this.over)) {
      await this.surviving(async () => {
        await new TrainingLoop(new Pix2PixTask(this.model, this.loader), this).run();
      });
    }
    this.paused = true;
    this.emit({ kind: 'paused', step: this.model.step, done: this.over });
  }

  /** Does `work`; if the device is lost meanwhile, opens a new one and goes back to the last snapshot. */
  private async surviving(work: () => Promise<void>): Promise<void> {
    for (let next = work; ; ) {
      try {
        return await next();
      } catch (error) {
        const why = error instanceof LostAgain ? error.message : await lossOf(this.model.device);
        if (why === undefined) throw error;
        const { step } = this.snapshot;
        if (++this.losses > MOST_LOSSES) {
          throw new PixtapeError(
            `the graphics device was lost ${this.losses} times in a row (${why})`,
            `The state of step ${step.toLocaleString('en')} is kept: save it, or press Continue to try again.`,
            { code: 'device-lost', cause: error },
          );
        }
        this.emit({ kind: 'lost', why, step });
        // Which may lose its device, too.
        next = async () => {
          this.model = await build(this.config, this.snapshot, this.emit);
        };
      }
    }
  }

  private get over(): boolean {
    return this.model.step >= this.lastStep;
  }

  ended(): RunEnd | undefined {
    if (this.over) return 'done';
    return this.paused ? 'interrupted' : undefined;
  }

  interrupted(): boolean {
    return this.paused;
  }

  due(end: RunEnd | undefined): Due {
    if (end) return { losses: true, sample: end === 'done' };
    return {
      losses: false,
      sample: since(this.sampledAt) > this.sampleEvery,
      save: since(this.snapshotAt) > this.snapshotEvery ? () => this.takeSnapshot() : undefined,
    };
  }

  /** Keeps checkpoints out of a step, and steps out of a checkpoint. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(() => {
      if (isLost(this.model.device)) throw new Error('the device was lost');
      return work();
    });
    this.turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  onLosses({ rows, steps, seconds, sample }: LossesRead<keyof Losses, Samples>): void {
    const { model, loader, config } = this;
    const last = rows.at(-1);
    if (last) {
      const units = differenceScale(model.generator.range); // L1 is drawn beside the held-out error, in its units
      this.record.seconds = (this.record.seconds ?? 0) + seconds;
      this.emit({
        kind: 'progress',
        progress: {
          step: model.step,
          lastStep: this.lastStep,
          learningRate: learningRates(config, (model.step - 1) / loader.stepsPerEpoch, model.plateau?.factor).gen,
          epoch: loader.epochOf(last.step) + 1,
          imagesPerSecond: (steps * config.batch) / seconds,
          memory: model.device.memory.bytes,
          points: rows.map(({ step, disc, adv, l1 }) => ({ step: step + 1, disc, adv, l1: units * l1 })),
        },
      });
      this.losses = 0;
    }
    if (sample) this.emit({ kind: 'samples', samples: sample });
  }

  diverged(step: number, name: string, value: number): PixtapeError {
    const { gen } = learningRates(this.config, this.loader.epochOf(step), this.model.plateau?.factor);
    return new PixtapeError(
      `step ${step + 1}: the ${name} is ${value}, at a learning rate of ${gen}`,
      'Start again; a smaller network or larger batches are steadier.',
    );
  }

  async sample(): Promise<Samples> {
    const samples = await this.heldOut.paint(this.model.predictor, this.model.step);
    this.sampleEvery = Math.min(SAMPLE_SECONDS.most, this.sampleEvery * SAMPLE_SECONDS.growth);
    this.sampledAt = performance.now();
    return samples;
  }

  private async takeSnapshot(): Promise<void> {
    const begun = performance.now();
    this.snapshot = { step: this.model.step, tensors: await captureState(this.model) };
    this.snapshotAt = performance.now();
    this.snapshotEvery = Math.max(SNAPSHOT_SECONDS, since(begun) / SNAPSHOT_SHARE);
  }
}

function refuseIfOver(step: number, lastStep: number): void {
  if (step < lastStep) return;
  throw new PixtapeError(
    `this run has already done ${step.toLocaleString('en')} of ${lastStep.toLocaleString('en')} steps`,
    'Ask for more epochs.',
  );
}

const since = (time: number): number => (performance.now() - time) / 1000;
