import type { RandomStream } from '../../../engine/util/random.ts';
import type { ValueRange } from '../decoders/bands.ts';
import type { ResizeMode } from '../image/resize.ts';

/** A picture and the one that it is to be painted from. */
export interface Pair {
  /** The file's name without its extension. */
  name: string;
  /** CHW, the data set's height × width, values in [0, 1]. */
  real: Float32Array;
  condition: Float32Array;
}

/** Pairs of one size. */
export interface Dataset {
  /** How many pairs. */
  readonly length: number;
  /** Pixels of each picture. */
  readonly width: number;
  readonly height: number;
  /**
   * One pair, the same at every call. With `augment`, the data set's flip and jitter are drawn from that stream; without
   * it the pair is plain.
   * @throws PixtapeError naming the file when it cannot be decoded (unless bad files are skipped).
   */
  pair(index: number, augment?: RandomStream): Promise<Pair>;
  name(index: number): string;
}

/** Matches the names of faces, on which anybody sees at a glance whether they came out right. */
export const FACES = /\bface\b/;

export const DATA_SOURCES = ['folder', 'openmoji', 'facades-toy'] as const;
export type DataSource = (typeof DATA_SOURCES)[number];

/** Which pairs, and how they are read. */
export interface PairData {
  /** A folder of the user's, the openmoji package's drawings, or facades drawn by rules. */
  data: DataSource;
  /** The folder. */
  dataroot?: string;
  /** Which side is the condition: BtoA paints A (left) from B (right). */
  direction: 'AtoB' | 'BtoA';
  resize: ResizeMode;
  /** Channels of each side: 3 unless said; other counts than 1 and 3 want files with as many bands. */
  channels?: { condition: number; real: number };
  /** What becomes 0 and 1, of files whose values are no bytes. */
  range?: ValueRange;
  /** Mirror training pairs at random. */
  flip: boolean;
  /** Enlarge training pairs by 286/256 and cut the size out at random, as the paper does. */
  jitter: boolean;
  /** Leave bad files out, each with a warning, instead of stopping at the first. */
  skipBad: boolean;
  /** openmoji: groups or subgroups to take; all of them without. */
  groups?: string[];
  /** Use only the first so many training pairs, sorted by name. */
  maxDatasetSize?: number;
}

/** What opening them takes besides. */
export interface DataOptions extends PairData {
  /** Target size in pixels. */
  width: number;
  height: number;
  /** The run's seed. Which pairs are held out does not depend on it: runs with different seeds can be compared. */
  seed: number;
  /** Hears of what was left out or done differently. */
  warn: (line: string) => void;
  /** openmoji: hears of each pair rendered, the first time that a size and choice of groups is used. */
  onRendered?: (done: number, total: number) => void;
}

export interface OpenedData {
  train: Dataset;
  /** Pairs that training never sees. */
  test: Dataset;
  /** One line for the user. */
  summary: string;
  /** Whether both sides of a pair lie beside each other in one file; undefined where pairs are no files. */
  sideBySide?: boolean;
}
