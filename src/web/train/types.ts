import type { DataSource } from '../../pix2pix/data/sets/dataset.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import type { PlacedFile } from '../page/dropped.ts';
import type { Failure } from '../shared/remote.ts';

/** Where pairs come from: the emoji that the page's server renders, or the user's files. */
export type Source = { kind: 'openmoji' } | { kind: 'files'; files: PlacedFile[] } | { kind: 'zip'; file: File };

/** Settings that are chosen before training begins. */
export interface Settings {
  /** Pixels of a picture's side. */
  size: number;
  /** Channels of the generator's first level. */
  hidden: number;
  batch: number;
  direction: 'AtoB' | 'BtoA';
}

/** How long to train, which a continued run may change. Fractions of an epoch are allowed. */
export interface Schedule {
  /** Epochs at the full learning rate, and epochs of its decay to zero: --n_epochs and --n_epochs_decay. */
  epochs: number;
  epochsDecay: number;
}

/** The description of a dropped checkpoint. */
export interface RestoredInfo {
  name: string;
  config: TrainConfig;
  step: number;
  source: DataSource;
  direction: 'AtoB' | 'BtoA';
}

export interface Point {
  step: number;
  disc: number;
  adv: number;
  l1: number;
}

/** Held-out pictures, RGBA, all of one size. */
export interface Samples {
  step: number;
  width: number;
  height: number;
  /** Mean |output − real| over them. */
  error: number;
  pictures: {
    name: string;
    condition: Uint8ClampedArray<ArrayBuffer>;
    output: Uint8ClampedArray<ArrayBuffer>;
    real: Uint8ClampedArray<ArrayBuffer>;
  }[];
}

export interface TrainingProgress {
  step: number;
  /** The run's last step. */
  lastStep: number;
  epoch: number;
  /** The generator's learning rate. */
  learningRate: number;
  imagesPerSecond: number;
  /** Bytes of GPU buffers. */
  memory: number;
  points: Point[];
}

/** Draws an SVG, which a worker cannot. @throws Error if the file is not an SVG */
export type DrawSvg = (file: Blob) => Promise<ImageBitmap>;

export type TrainEvent =
  | { kind: 'note'; text: string }
  /** Shaders compiled so far. */
  | { kind: 'compiling'; done: number; total: number }
  | { kind: 'warning'; text: string }
  | { kind: 'opened'; summary: string; adapter: string; parameters: number }
  | { kind: 'running' }
  | { kind: 'progress'; progress: TrainingProgress }
  | { kind: 'samples'; samples: Samples }
  /** The device was lost; training continues from this step on a new one. */
  | { kind: 'lost'; why: string; step: number }
  /** `done` if the last step was reached, false if it was asked to pause. */
  | { kind: 'paused'; step: number; done: boolean }
  | { kind: 'failed'; failure: Failure };
