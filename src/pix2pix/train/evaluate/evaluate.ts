import { asColours } from '../../data/image/raster.ts';
import type { Dataset } from '../../data/sets/dataset.ts';
import type { PictureRow } from '../sheets/grid.ts';
import type { Predictor } from '../steps/predictor.ts';
import { LabHistograms, type LabOverlap } from './colour.ts';
import { type Scores, score } from './metrics.ts';
import { predictPlanes } from './translate.ts';

/**
 * What is compared with the real pictures: the generator, one trained with L1 alone, and two baselines, the condition
 * itself and the mean of all training pictures. `real` gives the colourfulness of the real pictures.
 */
export type Contender = 'copy' | 'mean' | 'l1' | 'ours' | 'real';

export interface Predictors {
  ours: Predictor;
  l1?: Predictor;
}

export interface Evaluation {
  /** Scores per picture; `l1` only if there is a predictor for it. */
  pictures: { name: string; scores: Partial<Record<Contender, Scores>> }[];
  /** Means over all pictures; for the PSNR, without pictures for which it is infinite. */
  means: Partial<Record<Contender, Scores>>;
  /** Overlap of the colours of all pictures with those of the real ones; only for pictures of 1 or 3 channels. */
  colours: Partial<Record<Exclude<Contender, 'real'>, LabOverlap>>;
  /** How many pictures were reproduced exactly, if any. */
  perfect: Partial<Record<Exclude<Contender, 'real'>, number>>;
}

/** Collects further measurements of the pictures. */
export interface Observer {
  /** @param index the pair's number in the data set, @param pictures of it, (C, H, W), values in [0, 1] */
  look(index: number, pictures: Readonly<Partial<Record<Contender, Float32Array>>>): Promise<void>;
}

export interface EvaluateOptions {
  observers?: readonly Observer[];
  onDone?: (done: number) => void;
}

/** The pixel-wise mean of a data set's real pictures, without flips and jitter. */
export async function meanPicture(train: Dataset, onDone: (done: number) => void = () => {}): Promise<Float32Array> {
  let sum = new Float64Array(0);
  for (let i = 0; i < train.length; i++) {
    const { real } = await train.pair(i);
    if (i === 0) sum = new Float64Array(real.length);
    for (let at = 0; at < real.length; at++) sum[at] = (sum[at] as number) + (real[at] as number);
    onDone(i + 1);
  }
  return Float32Array.from(sum, (value) => value / train.length);
}

/**
 * Predicts these pictures of a data set one by one, with the same program as `translate`, and measures each.
 * @throws PixtapeError naming a file that cannot be decoded, or if a picture does not fit a generator
 */
export async function evaluate(
  test: Dataset,
  indices: readonly number[],
  predictors: Predictors,
  mean: Float32Array,
  { observers = [], onDone = () => undefined }: EvaluateOptions = {},
): Promise<Evaluation> {
  const colours = new ColourObserver(test.width * test.height);
  const pictures: Evaluation['pictures'] = [];
  for (const index of indices) {
    const { name, ...painted } = await paintAll(test, index, predictors);
    // A condition with another number of channels cannot be compared.
    const comparable = Object.entries({ ...painted, mean }).filter(([, { length }]) => length === painted.real.length);
    const scores = comparable.map(([contender, picture]) => [contender, score(picture, painted.real, test)]);
    const shown = Object.fromEntries(comparable);
    for (const observer of [colours, ...observers]) await observer.look(index, shown);
    pictures.push({ name, scores: Object.fromEntries(scores) });
    onDone(pictures.length);
  }
  const all = pictures.map(({ scores }) => scores);
  return { pictures, means: meanScores(all), colours: colours.overlaps(), perfect: countPerfect(all) };
}

/** Collects the colours of all pictures. */
class ColourObserver implements Observer {
  private readonly plane: number;
  private readonly histograms = new Map<Contender, LabHistograms>();

  constructor(plane: number) {
    this.plane = plane;
  }

  async look(_: number, pictures: Readonly<Partial<Record<Contender, Float32Array>>>): Promise<void> {
    for (const [key, picture] of Object.entries(pictures)) {
      if (![1, 3].includes(picture.length / this.plane)) continue;
      const histograms = this.histograms.get(key as Contender) ?? new LabHistograms();
      this.histograms.set(key as Contender, histograms);
      histograms.add(picture, this.plane);
    }
  }

  overlaps(): Evaluation['colours'] {
    const { real, ...others } = Object.fromEntries(this.histograms) as Partial<Record<Contender, LabHistograms>>;
    if (!real) return {};
    return Object.fromEntries(Object.entries(others).map(([key, histograms]) => [key, histograms.overlap(real)]));
  }
}

/** Rows of condition, L1 alone (if there is a predictor for it), ours and real. */
export async function comparisonRows(
  test: Dataset,
  indices: readonly number[],
  predictors: Predictors,
): Promise<PictureRow[]> {
  const rows: PictureRow[] = [];
  for (const index of indices) {
    const { name, copy, l1, ours, real } = await paintAll(test, index, predictors);
    rows.push({ name, pictures: [copy, ...(l1 ? [l1] : []), ours, real] });
  }
  return rows;
}

interface Painted {
  name: string;
  copy: Float32Array;
  ours: Float32Array;
  real: Float32Array;
  l1?: Float32Array;
}

async function paintAll(test: Dataset, index: number, { ours, l1 }: Predictors): Promise<Painted> {
  const { name, condition, real } = await test.pair(index);
  const by = async (predictor: Predictor) => {
    const { width, height } = test;
    const answer = await predictPlanes(predictor, { width, height, data: condition });
    return answer.length < real.length ? asColours(answer, width * height) : answer;
  };
  return { name, copy: condition, ours: await by(ours), real, ...(l1 ? { l1: await by(l1) } : {}) };
}

type AllScores = readonly Partial<Record<Contender, Scores>>[];

function contendersOf(all: AllScores): Contender[] {
  return Object.keys(all[0] ?? {}) as Contender[];
}

function meanScores(all: AllScores): Evaluation['means'] {
  const means: Evaluation['means'] = {};
  for (const contender of contendersOf(all)) {
    const mean = (key: keyof Scores): number => {
      const values = all.map((scores) => scores[contender]?.[key] ?? Number.NaN);
      const counted = values.filter((value) => value !== Number.POSITIVE_INFINITY);
      return counted.length > 0 ? counted.reduce((a, b) => a + b, 0) / counted.length : Number.POSITIVE_INFINITY;
    };
    means[contender] = {
      l1: mean('l1'),
      psnr: mean('psnr'),
      ssim: mean('ssim'),
      saturation: mean('saturation'),
      colourfulness: mean('colourfulness'),
    };
  }
  return means;
}

function countPerfect(all: AllScores): Evaluation['perfect'] {
  const perfect: Evaluation['perfect'] = {};
  for (const contender of contendersOf(all)) {
    const count = all.filter((scores) => scores[contender]?.l1 === 0).length;
    if (contender !== 'real' && count > 0) perfect[contender] = count;
  }
  return perfect;
}
