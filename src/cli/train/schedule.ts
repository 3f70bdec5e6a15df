import { PixtapeError } from '../../engine/util/errors.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import { learningRates, scheduledSteps } from '../../pix2pix/train/config/rates.ts';
import { notesOn } from '../run/notes.ts';
import type { TrainFlags } from './flags.ts';

/** The step at which a run ends. @throws PixtapeError if --steps goes beyond the end of the learning rate */
export function lastStep(flags: TrainFlags, config: TrainConfig, perEpoch: number): number {
  const scheduled = scheduledSteps(config, perEpoch);
  if (flags.steps === undefined) return scheduled;
  const { lrPolicy = 'linear', epochsDecay } = config;
  if (lrPolicy === 'linear' && epochsDecay > 0 && flags.steps > scheduled) {
    throw new PixtapeError(
      `--steps ${flags.steps} goes beyond step ${scheduled}, where --n_epochs_decay has brought the learning rate to 0`,
      'Use a larger --n_epochs or --n_epochs_decay.',
    );
  }
  return flags.steps;
}

export interface Pairs {
  /** How many there are to train with, and their name. */
  pairs: number;
  what: string;
  serial?: boolean | undefined;
  perEpoch: number;
}

/** Notes on what a run's flags mean with these pairs, a line each. `before`: the checkpoint that it continues. */
export function scheduleNotes(
  config: TrainConfig,
  before: { config: TrainConfig; step: number } | undefined,
  { perEpoch, ...pairs }: Pairs,
): string[] {
  const done = (before?.step ?? 0) / perEpoch;
  const { batch, lrPolicy, epochs, epochsDecay } = config;
  const notes = notesOn({
    ...pairs,
    batch,
    rate: learningRates(config, done).gen,
    // A new --lr changes the rate on purpose.
    rateBefore: before && learningRates({ ...before.config, lr: config.lr }, done).gen,
    longer: '--n_epochs',
  });
  if (lrPolicy === 'cosine' && epochsDecay > 0) {
    notes.push(
      `--lr_policy cosine falls to 0 over ${epochs} epochs, and rises again in --n_epochs_decay ${epochsDecay}`,
    );
  }
  return notes;
}
