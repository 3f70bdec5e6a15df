import type { BatchLoader } from '../../data/sets/batches.ts';
import type { LossRow } from '../steps/loss_ring.ts';
import { LOSS_NAMES, type Losses, type Pix2Pix } from '../steps/pix2pix.ts';
import type { Trainee } from './core.ts';

/** Pix2Pix and its pairs, as `TrainingLoop` sees them. */
export class Pix2PixTrainee implements Trainee<keyof Losses> {
  readonly lossNames = LOSS_NAMES;
  readonly model: Pix2Pix;
  private readonly loader: BatchLoader;

  constructor(model: Pix2Pix, loader: BatchLoader) {
    this.model = model;
    this.loader = loader;
  }

  get device() {
    return this.model.device;
  }
  get step() {
    return this.model.step;
  }
  get batch() {
    return this.model.config.batch;
  }

  async prepareStep(): Promise<() => void> {
    const batch = await this.loader.batch(this.model.step);
    return () => this.model.train(batch, batch.epochsDone);
  }

  epochOf(step: number): number {
    return this.loader.epochOf(step);
  }

  get needsLosses() {
    return this.model.plateau !== undefined && this.loader.beginsEpoch(this.model.step);
  }

  lossesSince(from: number): Promise<LossRow<keyof Losses>[]> {
    return this.model.lossesSince(from);
  }

  check(): Promise<void> {
    return this.model.checkLossScales();
  }
}
