import { RandomStream } from '../../../engine/util/random.ts';
import { augmentation, StepLoader } from '../../data/sets/batches.ts';
import type { PictureSet } from '../../data/sets/picture_set.ts';
import { toNetwork } from '../config/value_range.ts';
import type { GanBatch } from '../steps/gan.ts';

/** Random stream of wrong labels. */
const WRONG = 103;

/** A GAN's batches: pictures in [−1, 1], and with classes the label of each and a random wrong one. */
export function ganBatches(set: PictureSet, how: { batchSize: number; seed: number }): StepLoader<GanBatch> {
  return new StepLoader(set.length, how, async (step, indices) => {
    const { side, classes } = set;
    const pictures = new Float32Array(indices.length * 3 * side * side);
    await Promise.all(
      indices.map(async (place, slot) => {
        pictures.set(await set.picture(place, augmentation(how.seed, step, slot)), slot * 3 * side * side);
      }),
    );
    const labels = indices.map((place) => set.label(place));
    const random = new RandomStream(how.seed, WRONG, step);
    const wrong = labels.map((label) => otherThan(label, classes.length, random));
    return { pictures: toNetwork(pictures, 'symmetric'), labels, wrong };
  });
}

function otherThan(label: number, classes: number, random: RandomStream): number {
  return classes < 2 ? label : (label + 1 + random.below(classes - 1)) % classes;
}
