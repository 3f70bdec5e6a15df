import { type Dataset, FACES, type Pair } from '../../../pix2pix/data/sets/dataset.ts';
import { meanAbsoluteError } from '../../../pix2pix/train/evaluate/metrics.ts';
import type { Predictor } from '../../../pix2pix/train/steps/predictor.ts';
import { toRgba } from '../../shared/pixels.ts';
import type { Samples } from '../types.ts';

/** How many pictures are shown. */
const SHOWN = 4;

/** A few pictures that training never sees, always the same. */
export class HeldOutSamples {
  private readonly pairs: readonly Pair[];
  private readonly width: number;
  private readonly height: number;

  private constructor(pairs: readonly Pair[], { width, height }: Dataset) {
    this.pairs = pairs;
    this.width = width;
    this.height = height;
  }

  /** Chooses two faces, which are easy to judge, then others spread over the set. */
  static async load(test: Dataset): Promise<HeldOutSamples> {
    const all = Array.from({ length: test.length }, (_, i) => i);
    const faces = all.filter((i) => FACES.test(test.name(i))).slice(0, SHOWN / 2);
    const others = Array.from({ length: SHOWN }, (_, n) => Math.floor(((n + 0.5) * test.length) / SHOWN));
    const chosen = [...new Set([...faces, ...others, ...all])].slice(0, SHOWN);
    return new HeldOutSamples(await Promise.all(chosen.map((i) => test.pair(i))), test);
  }

  /** Predicts them in evaluation mode, which does not touch the training state. */
  async paint(predictor: Predictor, step: number): Promise<Samples> {
    const { pairs, width, height } = this;
    const size = width * height;
    const pictures: Samples['pictures'] = [];
    let error = 0;
    for (const { name, condition, real } of pairs) {
      const output = await predictor.predict(condition, 1, height, width);
      error += meanAbsoluteError(output, real) / pairs.length;
      pictures.push({
        name,
        condition: toRgba(condition, size),
        output: toRgba(output, size),
        real: toRgba(real, size),
      });
    }
    return { step, width, height, error, pictures };
  }
}
