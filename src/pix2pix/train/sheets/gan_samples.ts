import { RandomStream } from '../../../engine/util/random.ts';
import type { GanConfig } from '../config/gan_config.ts';
import type { GanSampler, SampleRequest } from '../steps/gan_sampler.ts';
import { pictureSheet, type SheetSection } from './sheet.ts';

/** Random stream of the fixed noise. */
const FIXED_NOISE = 202;
/** Pictures per row. */
const ACROSS = 8;

/** The `index`-th noise vector of a seed, from N(0, 1); the same in every grid. */
export function fixedNoise(seed: number, index: number, nz: number): Float32Array {
  const random = new RandomStream(seed, FIXED_NOISE, index);
  return Float32Array.from({ length: nz }, () => random.normal());
}

/**
 * Spherical interpolation from a to b, t = 0 … 1. Linear interpolation would pass through vectors shorter than any
 * that the generator has seen.
 * Source: White 2016, "Sampling Generative Networks".
 */
export function slerp(a: Float32Array, b: Float32Array, t: number): Float32Array {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * (y[i] as number), 0);
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))));
  // Linear, if the vectors are parallel or opposite.
  const [from, to] =
    Math.sin(angle) < 1e-6
      ? [1 - t, t]
      : [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  return a.map((v, i) => from * v + to * (b[i] as number));
}

export interface SampleOptions {
  /** Seed of the noise; the run's seed gives the noise of its grids. */
  seed: number;
  /** Total number of pictures, divided evenly among the requested classes, rounded up. */
  count: number;
  /** Only this class, by index. */
  label?: number;
  /** Instead, make strips of this many pictures, each from one noise vector to another. */
  interpolate?: number;
}

/** A picture to make, with its name. */
export interface Sample extends SampleRequest {
  /** E.g. `smile-003`, `003`, `strip-1-003`. */
  name: string;
}

/** Plans the pictures to make, in order. All classes get the same noise. */
export function planSamples({ nz, classes }: GanConfig, options: SampleOptions): Sample[][] {
  const { seed, count, label, interpolate } = options;
  const number = (i: number) => String(i + 1).padStart(3, '0');
  if (interpolate !== undefined) {
    return Array.from({ length: Math.max(1, Math.ceil(count / interpolate)) }, (_, strip) => {
      const [from, to] = [fixedNoise(seed, 2 * strip, nz), fixedNoise(seed, 2 * strip + 1, nz)];
      return Array.from({ length: interpolate }, (_, i) => {
        const noise = slerp(from, to, interpolate === 1 ? 0 : i / (interpolate - 1));
        // Unless a class is requested, strips cycle through the classes.
        const of = label ?? (classes.length > 0 ? strip % classes.length : 0);
        return { name: `strip-${strip + 1}-${number(i)}`, label: of, noise };
      });
    });
  }
  const labels = label !== undefined ? [label] : classes.length > 0 ? classes.map((_, i) => i) : [0];
  const each = Math.ceil(count / labels.length);
  return labels.map((of) => {
    const prefix = classes.length > 0 ? `${classes[of]}-` : '';
    return Array.from({ length: each }, (_, i) => {
      return { name: prefix + number(i), label: of, noise: fixedNoise(seed, i, nz) };
    });
  });
}

/** Makes the planned pictures and arranges them; undefined if `stop` interrupted it. */
export async function drawSheet(
  sampler: GanSampler,
  config: GanConfig,
  options: SampleOptions,
  stop: () => boolean = () => false,
): Promise<SheetSection | undefined> {
  const plan = planSamples(config, options);
  const pictures = await sampler.draw(plan.flat(), stop);
  if (pictures.length < plan.flat().length) return undefined;
  const { classes } = config;
  const rows = plan.flatMap((samples) => {
    const made = pictures.splice(0, samples.length);
    const lines = Math.ceil(made.length / ACROSS);
    const across = options.interpolate ?? ACROSS;
    const name = classes[samples[0]?.label ?? 0];
    return Array.from({ length: options.interpolate ? 1 : lines }, (_, line) => ({
      ...(name !== undefined && line === 0 ? { name } : {}),
      pictures: made.slice(line * across, (line + 1) * across),
    }));
  });
  return {
    title: options.interpolate ? 'from one noise vector to another' : `fixed noise, seed ${options.seed}`,
    rows,
  };
}

/** The sample grid of a step: pictures from fixed noise of the run's seed, and an interpolated strip. */
export async function trainingSheet(
  sampler: GanSampler,
  config: GanConfig,
  count: number,
  stop: () => boolean,
): Promise<Uint8Array | undefined> {
  const { seed, side } = config;
  const grid = await drawSheet(sampler, config, { seed, count }, stop);
  const strip = await drawSheet(sampler, config, { seed, count: 1, interpolate: ACROSS }, stop);
  return grid && strip ? pictureSheet([grid, strip], side) : undefined;
}
