import { RandomStream } from '../../../engine/util/random.ts';
import { augmentation, type Batching, StepLoader } from '../../data/sets/batches.ts';
import type { Domain } from '../../data/sources/open_unpaired.ts';
import type { CycleBatch } from './cycle_gan.ts';

/** Random stream that chooses pictures of B. */
const PARTNER = 104;
/** Keeps the draws for pictures of B apart from those for A. */
const B_SLOTS = 1024;

/**
 * Batches of two domains. An epoch covers the larger domain once. Pictures of A come in shuffled order, each with a
 * random picture of B, as in CycleGAN's loader; with `serial` both come in order.
 */
export function cycleBatches(a: Domain, b: Domain, how: Batching): StepLoader<CycleBatch> {
  const length = Math.max(a.length, b.length);
  return new StepLoader(length, how, async (step, indices) => {
    const random = new RandomStream(how.seed, PARTNER, step);
    const partners = indices.map((i) => (how.serial ? i % b.length : random.below(b.length)));
    const load = async (domain: Domain, places: readonly number[], first: number) => {
      const pictures = await Promise.all(
        places.map((place, slot) => domain.picture(place, augmentation(how.seed, step, first + slot))),
      );
      const batch = new Float32Array(pictures.reduce((sum, picture) => sum + picture.length, 0));
      let at = 0;
      for (const picture of pictures) {
        batch.set(picture, at);
        at += picture.length;
      }
      return batch;
    };
    const [pictures, others] = await Promise.all([
      load(
        a,
        indices.map((i) => i % a.length),
        0,
      ),
      load(b, partners, B_SLOTS),
    ]);
    return { a: pictures, b: others };
  });
}
