import type { Device } from '../../../engine/gpu/device.ts';
import { dryRunDevice } from '../../../engine/gpu/dry_run.ts';
import type { ConvDirection } from '../../../engine/ops/conv/algorithm.ts';
import { type ConvGeometry, products } from '../../../engine/ops/conv/geometry.ts';
import { defaultChoice } from '../../../engine/ops/conv/tuning/choose.ts';
import { convCandidates } from '../../../engine/ops/conv/tuning/registry.ts';
import { convTuning } from '../../../engine/ops/conv/tuning/tuning.ts';
import type { TrainConfig } from '../config/config.ts';
import { Pix2Pix } from '../steps/pix2pix.ts';
import { type BenchmarkResult, benchmarkCandidates } from './benchmark.ts';
import { ConvBenchmark } from './conv_benchmark.ts';

/** One convolution that a program computes, in one direction. */
export interface ConvCase {
  key: string;
  direction: ConvDirection;
  g: ConvGeometry;
  /** How often one run of the program computes it. */
  uses: number;
}

/** The result for one convolution. */
export interface Tuned extends ConvCase, BenchmarkResult {}

export interface TuneOptions {
  /** Known choices, which need no measurement. */
  known?: ReadonlyMap<string, string>;
  /** Seconds after which no further convolution is begun; the rest keep the default. */
  seconds?: number;
  onProgress?: (done: number, total: number, now: ConvCase) => void;
  /** Finds the fastest choice for one convolution; `measureConvolution` by default. */
  measure?: (device: Device, convolution: ConvCase, timeLeft: () => boolean) => Promise<BenchmarkResult>;
  /** Milliseconds, for `seconds`. */
  clock?: () => number;
}

/** The convolutions of the program that `build` records, found in a dry run: nothing is allocated or computed. */
export async function convolutionsOf(device: Device, build: (dry: Device) => Promise<unknown>): Promise<ConvCase[]> {
  const dry = await dryRunDevice(device);
  await build(dry);
  return [...convTuning(dry).taken].map(([key, { direction, g, uses }]) => ({ key, direction, g, uses }));
}

/** Records the training step of Pix2Pix, for `convolutionsOf` and `tuneModel`. */
export const trainingStep = (config: TrainConfig) => (device: Device) =>
  new Pix2Pix(device, config, { initialise: false }).prepare();

/**
 * Measures on `device` all algorithms for each convolution of the program that `build` records, those with most
 * operations first. Does not change the device's table. `new Map(tuned.map(({ key, chosen }) => [key, chosen]))` makes
 * one.
 */
export async function tuneModel(
  device: Device,
  build: (dry: Device) => Promise<unknown>,
  options: TuneOptions = {},
): Promise<Tuned[]> {
  const { known, seconds = Number.POSITIVE_INFINITY, measure = measureConvolution, clock = now, onProgress } = options;
  const all = (await convolutionsOf(device, build)).filter(({ key }) => !known?.has(key));
  all.sort((a, b) => b.uses * operations(b.g) - a.uses * operations(a.g));
  const start = clock();
  const timeLeft = () => clock() - start <= 1000 * seconds;
  const tuned: Tuned[] = [];
  for (const [i, convolution] of all.entries()) {
    if (!timeLeft()) break;
    onProgress?.(i, all.length, convolution);
    tuned.push({ ...convolution, ...(await measure(device, convolution, timeLeft)) });
  }
  const last = all.at(-1);
  if (last) onProgress?.(all.length, all.length, last);
  return tuned;
}

/** Measures all candidates for one convolution on the device, with random inputs. */
export async function measureConvolution(
  device: Device,
  { direction, g }: ConvCase,
  timeLeft?: () => boolean,
): Promise<BenchmarkResult> {
  const fallback = defaultChoice(device, direction, g);
  const choices = new Map(convCandidates(device, direction, g).map((choice) => [choice.name, choice]));
  const others = [...choices.keys()].filter((name) => name !== fallback.name);
  const trials = new ConvBenchmark(device, direction, g);
  try {
    const open = (name: string) => trials.open(choices.get(name) ?? fallback);
    return await benchmarkCandidates([fallback.name, ...others], open, timeLeft);
  } finally {
    trials.destroy();
  }
}

/**
 * Floating-point operations of a convolution, the same in each direction: a multiplication and an addition per product.
 */
export function operations(g: ConvGeometry): number {
  return 2 * products(g);
}

const now = (): number => performance.now();
