import type { Batch } from '../../data/sets/batches.ts';
import { LOSS_NAMES, type Losses, type Pix2Pix } from '../steps/pix2pix.ts';
import { ModelTask } from './model_task.ts';

/** Pix2Pix and its pairs, as `TrainingLoop` sees them. */
export class Pix2PixTask extends ModelTask<keyof Losses, Pix2Pix, Batch> {
  readonly lossNames = LOSS_NAMES;

  protected train(batch: Batch, epochsDone: number): unknown {
    return this.model.train(batch, epochsDone);
  }

  check(): Promise<void> {
    return this.model.checkLossScales();
  }
}
