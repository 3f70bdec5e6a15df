import type { Rng } from '../../engine/ops/random/rng.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import type { GeneratorConfig } from '../../pix2pix/models/generators/config.ts';
import { type PredictorOptions, usualStatistics } from '../../pix2pix/train/steps/predictor.ts';

/** The flags of translate, eval and export that choose the mode that a generator runs in. */
export interface ModeFlags {
  dropout?: boolean | undefined;
  eval?: boolean | undefined;
}

/** The mode that the flags ask for. @throws PixtapeError if they contradict each other */
export function predictorMode({ dropout, eval: evaluation }: ModeFlags, rng: Rng): PredictorOptions {
  if (dropout && evaluation) {
    throw new PixtapeError('--dropout with --eval: evaluation mode has no dropout', 'Leave one of them out.');
  }
  if (dropout) return { sampling: rng };
  return evaluation ? { statistics: 'running' } : {};
}

/** Names that mode, with the reason if it is unusual. */
export function paintingMode({ dropout, eval: evaluation }: ModeFlags, generator: GeneratorConfig): string {
  if (dropout) return 'dropout on, batch statistics';
  if (evaluation || usualStatistics(generator) === 'running') return 'evaluation mode';
  return "each picture's own statistics, no dropout (one batch norm serves two places here; --eval for its running ones)";
}
