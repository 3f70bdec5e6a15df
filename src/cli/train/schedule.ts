import { PixtapeError } from '../../engine/util/errors.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import { scheduledSteps } from '../../pix2pix/train/config/rates.ts';
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
