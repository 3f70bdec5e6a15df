import { PixtapeError } from '../../../engine/util/errors.ts';

/** Range of values of a network's input and output: [0, 1] or [−1, 1]. */
export type PictureRange = 'unit' | 'symmetric';

export interface GeneratorConfig {
  inChannels: number;
  outChannels: number;
  /** Channels of the first level; each level down doubles them. */
  hidden: number;
  /** Levels; the picture's sides must be multiples of 2^depth. */
  depth: number;
  /** Rate of dropout in the expanding layers that have it. */
  dropout: number;
  /**
   * `output`: layers 0–2, nearest the picture, as in the tutorial's code; `inner`: the three deepest, as in the paper.
   */
  dropoutAt: 'output' | 'inner';
  /** Whether the two places of each expanding layer share one batch norm, as in the tutorial. */
  sharedNorm: boolean;
}

export const TUTORIAL_GENERATOR: GeneratorConfig = {
  inChannels: 3,
  outChannels: 3,
  hidden: 32,
  depth: 6,
  dropout: 0.5,
  dropoutAt: 'output',
  sharedNorm: true,
};

/** unet_256 of the paper, as a configuration of `UnetGenerator`. */
export const PAPER_GENERATOR: GeneratorConfig = {
  ...TUTORIAL_GENERATOR,
  hidden: 64,
  depth: 8,
  dropoutAt: 'inner',
  sharedNorm: false,
};

/** The sides that a network takes, and how an error about them names it. */
export interface SidesOf {
  /** Both sides are multiples of this. */
  unit: number;
  /** The shortest side; by default `unit`. */
  least?: number;
  /** The fewest pixels if norms use the picture's own statistics; no limit by default. */
  leastArea?: number;
  network: string;
  /** What else could be changed to make a picture fit. */
  instead: string;
}

/** @throws PixtapeError saying which sizes work, if a side is not a multiple of the network's unit */
export function checkSides(width: number, height: number, { unit, least = unit, network, instead }: SidesOf): void {
  if (width >= least && height >= least && width % unit === 0 && height % unit === 0) return;
  const near = (n: number) => [Math.floor(n / unit) * unit, Math.ceil(n / unit) * unit].filter((v) => v >= least);
  const fits = [...new Set([...near(width), ...near(height), least])].sort((a, b) => a - b).slice(0, 4);
  throw new PixtapeError(
    `a picture of ${width} × ${height} does not fit ${network}: both sides must be multiples of ${unit}${least > unit ? `, ${least} at least` : ''}`,
    `Sizes that work: ${fits.join(', ')}, … Choose one with --crop_size, or ${instead}.`,
  );
}
