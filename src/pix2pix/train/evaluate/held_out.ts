import type { Dataset } from '../../data/sets/dataset.ts';
import { type SampleRow, sampleGrid } from '../sheets/grid.ts';
import type { Pix2Pix } from '../steps/pix2pix.ts';
import { meanAbsoluteError } from './metrics.ts';

export interface HeldOutSetOptions {
  /** Pictures in the sample grid. */
  samples: number;
  /** The most pictures to measure, spread evenly over the test set. */
  maxSamples: number;
  /** Pictures with matching names are shown first: those that people judge best, such as faces. */
  prefer?: RegExp;
}

export interface EvaluateOptions {
  /** How many of the `count` pictures to measure, spread over them; by default all, with 0 none. */
  measure?: number;
  /** Asked between pictures. */
  stop?: () => boolean;
  /** Called with the number of pictures predicted so far, including the grid's. */
  onPainted?: (done: number, total: number) => void;
}

export interface Evaluated {
  /** A PNG of the samples. */
  grid: Uint8Array;
  /** Mean |output − real| over the measured pictures; undefined if there was none. */
  l1: number | undefined;
  /** Mean |condition − real| over the same. */
  baseline: number;
  measured: number;
}

/** A picture to measure, with the score of copying its input. */
interface Measured {
  index: number;
  copied: number;
}

/** Pictures that training never sees, always the same. */
export class HeldOutSet {
  /** How many pictures can be measured, and how many there are. */
  readonly count: number;
  readonly total: number;
  /** Mean |condition − real| over `count` pictures: the score of copying the input. NaN if the channels differ. */
  readonly baseline: number;
  private readonly test: Dataset;
  private readonly pictures: readonly Measured[];
  private readonly shown: readonly SampleRow[];

  private constructor(test: Dataset, pictures: readonly Measured[], shown: readonly SampleRow[]) {
    this.test = test;
    this.pictures = pictures;
    this.shown = shown;
    this.count = pictures.length;
    this.total = test.length;
    this.baseline = meanCopied(pictures);
  }

  /** Chooses the pictures and reads each once. @throws PixtapeError naming a file that cannot be decoded */
  static async load(test: Dataset, { samples, maxSamples: most, prefer }: HeldOutSetOptions): Promise<HeldOutSet> {
    const pictures: Measured[] = [];
    for (const index of spread(range(test.length), most)) {
      const { condition, real } = await test.pair(index);
      pictures.push({ index, copied: meanAbsoluteError(condition, real) });
    }
    const shown: SampleRow[] = [];
    for (const i of chooseSamples(test, samples, prefer)) {
      const { name, condition, real } = await test.pair(i);
      shown.push({ name, condition, real, fake: new Float32Array(0) });
    }
    return new HeldOutSet(test, pictures, shown);
  }

  /**
   * Predicts held-out pictures in evaluation mode: those to measure in batches of the training's size, samples one by one,
   * with the same program as `translate`, so that both give the same bits. Undefined if `stop` interrupted it.
   */
  async evaluate(
    model: Pix2Pix,
    { measure = this.count, stop = () => false, onPainted = () => {} }: EvaluateOptions = {},
  ): Promise<Evaluated | undefined> {
    const { height, width } = model.config;
    const [batch = 1] = model.real.shape;
    const chosen = spread(this.pictures, measure);
    const total = chosen.length + this.shown.length;
    let sum = 0;
    for (let first = 0; first < chosen.length; first += batch) {
      if (stop()) return undefined;
      onPainted(first, total);
      const pairs = await Promise.all(chosen.slice(first, first + batch).map(({ index }) => this.test.pair(index)));
      const size = pairs[0]?.condition.length ?? 0;
      // The recorded program has a fixed shape: a short last batch is filled with zeros, whose results are ignored.
      const conditions = new Float32Array(batch * size);
      pairs.forEach(({ condition }, i) => {
        conditions.set(condition, i * size);
      });
      const fakes = await model.predictor.predict(conditions, batch, height, width);
      const fakeSize = fakes.length / batch;
      pairs.forEach(({ real }, i) => {
        sum += meanAbsoluteError(fakes.subarray(i * fakeSize, (i + 1) * fakeSize), real);
      });
    }
    const rows: SampleRow[] = [];
    for (const row of this.shown) {
      if (stop()) return undefined;
      onPainted(chosen.length + rows.length, total);
      rows.push({ ...row, fake: await model.predictor.predict(row.condition, 1, height, width) });
    }
    return {
      grid: await sampleGrid(rows, width, height),
      l1: chosen.length === 0 ? undefined : sum / chosen.length,
      baseline: meanCopied(chosen),
      measured: chosen.length,
    };
  }
}

const meanCopied = (pictures: readonly Measured[]): number =>
  pictures.reduce((sum, { copied }) => sum + copied, 0) / pictures.length;

/** Chooses the pictures of the grid: preferred ones first, then others, each spread evenly; in the set's order. */
export function chooseSamples(test: Dataset, count: number, prefer?: RegExp): number[] {
  const all = range(test.length);
  const preferred = prefer ? all.filter((i) => prefer.test(test.name(i))) : [];
  const chosen = spread(preferred, count);
  const rest = all.filter((i) => !chosen.includes(i));
  return [...chosen, ...spread(rest, count - chosen.length)].sort((a, b) => a - b);
}

/** At most `count` of the items, evenly spaced, the first among them. */
function spread<T>(items: readonly T[], count: number): T[] {
  const n = Math.min(items.length, Math.max(0, count));
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)] as T);
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
