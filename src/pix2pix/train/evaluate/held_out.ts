import type { Dataset } from '../../data/sets/dataset.ts';
import { type SampleRow, sampleGrid } from '../sheets/grid.ts';
import type { Pix2Pix } from '../steps/pix2pix.ts';
import { meanAbsoluteError } from './metrics.ts';

export interface HeldOutSetOptions {
  /** Pictures in the sample grid. */
  samples: number;
  /** The most pictures that the measure is taken over, spread evenly over the test set. */
  maxSamples: number;
  /** Pictures whose names match go into the grid first: what a person judges best, such as faces. */
  prefer?: RegExp;
}

/** Pictures that training never sees, the same ones at every measurement. */
export class HeldOutSet {
  /** How many pictures the measure is taken over, of how many there are. */
  readonly count: number;
  readonly total: number;
  /** Mean |condition − real| over the same pictures: what copying the input scores. NaN where the channels differ. */
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

  /** Chooses the pictures and reads each once. @throws PixtapeError naming a file that cannot be decoded. */
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
   * Paints the held-out pictures in evaluation mode, in batches of the training's size. `l1` is the mean |output − real|
   * over `count` pictures, `grid` a PNG of the samples. These are painted one by one, by the very program that
   * `translate` runs, so that both show the same bits. Undefined where `stop` said so in between.
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
      // The recorded program has one shape: what the last batch lacks stays zero, and its answers are not looked at.
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

/** The pictures of the grid: the preferred first, each kind spread evenly over the set; in the set's order. */
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
