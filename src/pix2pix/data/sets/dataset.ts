import type { RandomStream } from '../../../engine/util/random.ts';
import type { ValueRange } from '../decoders/bands.ts';
import type { ResizeMode } from '../image/resize.ts';

/** A real picture and its condition. */
export interface Pair {
  /** The file's name without its extension. */
  name: string;
  /** CHW, the data set's height × width, values in [0, 1]. */
  real: Float32Array;
  condition: Float32Array;
}

/** Pairs of one size. */
export interface Dataset {
  /** Number of pairs. */
  readonly length: number;
  /** Pixels of each picture. */
  readonly width: number;
  readonly height: number;
  /**
   * Loads a pair, always the same. With `augment`, the data set's flip and jitter are drawn from that stream.
   * @throws PixtapeError naming the file if it cannot be decoded, unless bad files are skipped
   */
  pair(index: number, augment?: RandomStream): Promise<Pair>;
  name(index: number): string;
}

/** Matches the names of faces, which anybody can judge at a glance. */
export const FACES = /\bface\b/;

export const DATA_SOURCES = ['folder', 'openmoji', 'facades-toy'] as const;
export type DataSource = (typeof DATA_SOURCES)[number];

/** Which pairs, and how they are read. */
export interface PairData {
  /** The user's folder, the openmoji package's drawings, or procedurally drawn facades. */
  data: DataSource;
  /** The folder. */
  dataroot?: string;
  /** Which side is the condition: BtoA paints A (left) from B (right). */
  direction: 'AtoB' | 'BtoA';
  resize: ResizeMode;
  /** Channels of each side; default 3. Numbers other than 1 and 3 need files with as many bands. */
  channels?: { condition: number; real: number };
  /** The values that become 0 and 1, in files whose values are not bytes. */
  range?: ValueRange;
  /** Mirror training pairs at random. */
  flip: boolean;
  /** Enlarge training pairs by 286/256 and crop at random, as in the paper. */
  jitter: boolean;
  /** Take training pairs in the order of their names, instead of shuffling them in every epoch. */
  serial?: boolean;
  /** Skip bad files, each with a warning, instead of stopping at the first. */
  skipBad: boolean;
  /** openmoji: groups or subgroups to use; all by default. */
  groups?: string[];
  /** Use at most this many training pairs, sorted by name. */
  maxDatasetSize?: number;
}

/** Options for opening a data set. */
export interface DataOptions extends PairData {
  /** Target size in pixels. */
  width: number;
  height: number;
  /** The run's seed. The split does not depend on it, so that runs with different seeds can be compared. */
  seed: number;
  /** Called with warnings about what was skipped or done differently. */
  warn: (line: string) => void;
  /** openmoji: called after each rendered pair, when a size and choice of groups is used for the first time. */
  onRendered?: (done: number, total: number) => void;
}

export interface OpenedData {
  train: Dataset;
  /** Pairs that training never sees. */
  test: Dataset;
  /** One line for the user. */
  summary: string;
  /** Whether each file holds both sides of a pair side by side; undefined if pairs are not files. */
  sideBySide?: boolean;
}
