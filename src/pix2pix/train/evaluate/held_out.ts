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

/** Pictures that training never sees, always the same. */
export class HeldOutSet {
  /** How many pictures are measured, and how many there are. */
  readonly count: number;
  readonly total: number;
  /** Mean |condition − real| over the same pictures: the score of copying the input. NaN if the channels differ. */
  readonly baseline: number;
  private readonly test: Dataset;
  private readonly measured: readonly number[];
  private readonly shown: readonly SampleRow[];

  private constructor(test: Dataset, measured: readonly number[], shown: readonly SampleRow[], baseline: number) {
    this.test = test;
    this.measured = measured;
    this.shown = shown;
    this.count = measured.length;
    this.total = test.length;
    this.baseline = baseline;
  }

  /** Chooses the pictures and reads each once. @throws PixtapeError naming a file that cannot be decoded */
  static async load(test: Dataset, { samples, maxSamples: most, prefer }: HeldOutSetOptions): Promise<HeldOutSet> {
    const measured = spread(range(test.length), most);
    let sum = 0;
    for (const i of measured) {
      const { condition, real } = await test.pair(i);
      sum += meanAbsoluteError(condition, real);
    }
    const shown: SampleRow[] = [];
    for (const i of chooseSamples(test, samples, prefer)) {
      const { name, condition, real } = await test.pair(i);
      shown.push({ name, condition, real, fake: new Float32Array(0) });
    }
    return new HeldOutSet(test, measured, shown, sum / measured.length);
  }

  /**
   * Predicts the held-out pictures, in batches of the training's size. `l1` is the mean |output −
   * real| over `count` pictures, `grid` a PNG of the samples. Samples are predicted one by one, with the same program
   * as `translate`, so that both give the same bits. Undefined if `stop` interrupted it.
   */
  async evaluate(
    model: Pix2Pix,
    stop: () => boolean = () => false,
  ): Promise<{ grid: Uint8Array; l1: number } | undefined> {
    const { batch, height, width } = model.config;
    let sum = 0;
    for (let first = 0; first < this.measured.length; first += batch) {
      if (stop()) return undefined;
      const pairs = await Promise.all(this.measured.slice(first, first + batch).map((i) => this.test.pair(i)));
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
      rows.push({ ...row, fake: await model.predictor.predict(row.condition, 1, height, width) });
    }
    return { grid: await sampleGrid(rows, width, height), l1: sum / this.measured.length };
  }
}

/** Chooses the pictures of the grid: preferred ones first, then others, each spread evenly; in the set's order. */
export function chooseSamples(test: Dataset, count: number, prefer?: RegExp): number[] {
  const all = range(test.length);
  const preferred = prefer ? all.filter((i) => prefer.test(test.name(i))) : [];
  const chosen = spread(preferred, count);
  const rest = all.filter((i) => !chosen.includes(i));
  return [...chosen, ...spread(rest, count - chosen.length)].sort((a, b) => a - b);
}

/** At most `count` of the items, evenly spaced, the first among them. */
function spread(items: readonly number[], count: number): number[] {
  const n = Math.min(items.length, Math.max(0, count));
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)] as number);
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
