import type { Device } from '../../../engine/gpu/device.ts';
import type { StepLoader } from '../../data/sets/batches.ts';
import type { LossRow } from '../steps/loss_ring.ts';
import type { TrainingTask } from './core.ts';

/** What all models in training have in common. */
export interface Trainable<Loss extends string> {
  readonly device: Device;
  /** Steps done. */
  readonly step: number;
  readonly config: { readonly batch: number };
  /** Set if the learning rate depends on the losses. */
  readonly plateau?: object | undefined;
  lossesSince(from: number): Promise<LossRow<Loss>[]>;
}

/** A model and its batches, as `TrainingLoop` sees them. */
export abstract class ModelTask<Loss extends string, M extends Trainable<Loss>, B> implements TrainingTask<Loss> {
  abstract readonly lossNames: Readonly<Record<Loss, string>>;
  readonly model: M;
  protected readonly loader: StepLoader<B>;

  constructor(model: M, loader: StepLoader<B>) {
    this.model = model;
    this.loader = loader;
  }

  /** Submits a step. `epochsDone` is the number of epochs before it, fractions included. */
  protected abstract train(batch: B, epochsDone: number): unknown;

  get device() {
    return this.model.device;
  }
  get step() {
    return this.model.step;
  }
  get batch() {
    return this.model.config.batch;
  }
  get needsLosses() {
    return this.model.plateau !== undefined && this.loader.beginsEpoch(this.model.step);
  }

  async prepareStep(): Promise<() => unknown> {
    const { step } = this.model;
    const batch = await this.loader.batch(step);
    return () => this.train(batch, step / this.loader.stepsPerEpoch);
  }

  epochOf(step: number): number {
    return this.loader.epochOf(step);
  }

  lossesSince(from: number): Promise<LossRow<Loss>[]> {
    return this.model.lossesSince(from);
  }
}
