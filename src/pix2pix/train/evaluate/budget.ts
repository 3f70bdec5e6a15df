/**
 * Cost of predicting a held-out picture, including the read-back, as a share of training on a picture. Training runs
 * the generator forwards and backwards, and the discriminator twice. Measured with `quick` on lavapipe.
 */
const PAINTING = 0.3;
/** Largest share of a run's training time to spend on measuring. */
const SHARE = 1 / 10;
/** Held-out pictures that may be predicted per training picture. */
const EACH = SHARE / PAINTING;

/** Progress of a run, in training pictures (steps times batch). */
export interface Trained {
  pictures: number;
  /** Pictures between two sample grids. */
  every: number;
  /** Pictures in the whole run; Infinity if only time ends it. */
  total: number;
  /** Whether the run ends here. */
  last: boolean;
}

/**
 * How many of `count` held-out pictures to measure now, so that measuring adds at most a tenth to a run. Before the end
 * it measures all of them at every n-th grid and none at the others, so that a run's scores can be compared. At the end
 * it measures as many as the budget allows, which is all of them unless the run was short. It depends on steps and not
 * on the clock, so that a repeated run measures the same.
 */
export function picturesToMeasure(count: number, { pictures, every, total, last }: Trained): number {
  const period = every * Math.max(1, gridsBetween(count, every, total));
  if (!last) return pictures % period === 0 ? count : 0;
  const before = Math.floor((pictures - 1) / period) * count;
  return Math.min(count, Math.max(1, Math.floor(pictures * EACH) - before));
}

/** Grids between two measurements; Infinity if only the end is measured. */
function gridsBetween(count: number, every: number, total: number): number {
  // If the end is unknown, keep half of the budget for it.
  if (total === Number.POSITIVE_INFINITY) return Math.ceil(count / (every * EACH * 0.5));
  const times = Math.floor((total * EACH) / count);
  return times < 2 ? Number.POSITIVE_INFINITY : Math.ceil(total / times / every);
}
