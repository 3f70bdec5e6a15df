import { availableParallelism } from 'node:os';
import { RandomStream } from '../../../engine/util/random.ts';
import type { PictureSet } from '../../data/sets/picture_set.ts';
import { mapBounded } from '../../data/split/parallel.ts';
import type { GanConfig } from '../config/gan_config.ts';
import { planSamples } from '../sheets/gan_samples.ts';
import type { ClassifierTraining } from '../steps/classifier.ts';
import type { GanSampler } from '../steps/gan_sampler.ts';

/** Random stream of test augmentation, which training does not draw from. */
const TEST_MOVEMENT = 104;

/** How often a classifier agrees with the intended classes. */
export interface Agreement {
  /** Confusion matrix: rows are intended classes, columns the classifier's. */
  counts: number[][];
  of: number;
  /** Fraction of agreement, overall and per class; NaN for a class without pictures. */
  share: number;
  shares: number[];
}

/** Compares intended with predicted classes. */
export function agreement(meant: readonly number[], seen: ArrayLike<number>, classes: number): Agreement {
  const counts = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  meant.forEach((label, i) => {
    const row = counts[label] as number[];
    row[seen[i] as number] = (row[seen[i] as number] as number) + 1;
  });
  const sum = (row: readonly number[]) => row.reduce((a, b) => a + b, 0);
  const right = counts.map((row, label) => row[label] as number);
  return {
    counts,
    of: meant.length,
    share: sum(right) / meant.length,
    shares: counts.map((row, label) => (right[label] as number) / sum(row)),
  };
}

/** Tests the classifier on about `count` pictures of a set, with fresh random augmentation. */
export async function testClassifier(
  classifier: ClassifierTraining,
  set: PictureSet,
  count: number,
  seed: number,
): Promise<Agreement> {
  // Items are ordered by class, so evenly spaced ones cover all classes equally.
  const times = Math.round(count / set.length);
  const places =
    times >= 1
      ? Array.from({ length: set.length * times }, (_, i) => i % set.length)
      : Array.from({ length: count }, (_, i) => Math.floor((i * set.length) / count));
  const pictures = await mapBounded(places, availableParallelism() + 1, (place, i) => {
    return set.picture(place, new RandomStream(seed, TEST_MOVEMENT, i));
  });
  const meant = places.map((place) => set.label(place));
  return agreement(meant, await classifier.classify(pictures), set.classes.length);
}

/** Tests a GAN: classifies `count` of its pictures, evenly by class, from noise of `seed`. */
export async function testGan(
  classifier: ClassifierTraining,
  sampler: GanSampler,
  config: GanConfig,
  { seed, count }: { seed: number; count: number },
): Promise<Agreement> {
  const plan = planSamples(config, { seed, count }).flat();
  const seen = await classifier.classify(await sampler.draw(plan));
  return agreement(
    plan.map((sample) => sample.label),
    seen,
    config.classes.length,
  );
}
