import type { Batch } from '../../data/sets/batches.ts';
import { LOSS_NAMES, type Losses, type Pix2Pix } from '../steps/pix2pix.ts';
import { ModelTrainee } from './model_trainee.ts';

/** Pix2Pix and its pairs, as `TrainingLoop` sees them. */
export class Pix2PixTrainee extends ModelTrainee<keyof Losses, Pix2Pix, Batch> {
  readonly lossNames = LOSS_NAMES;

  protected train(batch: Batch, epochsDone: number): unknown {
    return this.model.train(batch, epochsDone);
  }

  check(): Promise<void> {
    return this.model.checkLossScales();
  }
}
