/**
 * What painting a held-out picture costs, as a share of training on a picture: that goes through the generator forwards
 * and backwards, and through the discriminator twice. With reading the result back; measured with `quick` on lavapipe.
 */
const PAINTING = 0.3;
/** The most of a run's training that measuring may add. */
const SHARE = 1 / 10;
/** Held-out pictures that may be painted for each one that was trained on. */
const EACH = SHARE / PAINTING;

/** Where a run stands, in training pictures: steps times batch. */
export interface Trained {
  pictures: number;
  /** Between two sample grids. */
  every: number;
  /** In the whole run; Infinity where only time ends it. */
  total: number;
  /** The run ends here. */
  last: boolean;
}

/**
 * How many of `count` held-out pictures to measure now, so that measuring adds a tenth to a run at most. Before the end it
 * is all of them, at every so-manieth grid, or none: so that a run's scores can be compared. At the end it is as many as
 * are left, which are all of them unless the run was short. It depends on steps and not on the clock: a repeated run
 * measures the same.
 */
export function picturesToMeasure(count: number, { pictures, every, total, last }: Trained): number {
  const period = every * Math.max(1, gridsBetween(count, every, total));
  if (!last) return pictures % period === 0 ? count : 0;
  const before = Math.floor((pictures - 1) / period) * count;
  return Math.min(count, Math.max(1, Math.floor(pictures * EACH) - before));
}

/** Measured once at so many grids; Infinity if only at the end. */
function gridsBetween(count: number, every: number, total: number): number {
  // Where the end is not known, half of what may be spent is kept for it.
  if (total === Number.POSITIVE_INFINITY) return Math.ceil(count / (every * EACH * 0.5));
  const times = Math.floor((total * EACH) / count);
  return times < 2 ? Number.POSITIVE_INFINITY : Math.ceil(total / times / every);
}
