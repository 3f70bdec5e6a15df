import type { PairData } from '../../data/sets/dataset.ts';

/** How a run began and how long it has trained: kept in its checkpoint beside the model's configuration. */
export interface RunRecord<Data = PairData, Preset extends string = string> {
  preset: Preset;
  /** Which pictures, so that a continued run finds them again. */
  data: Data;
  /** Whether its files are side-by-side pairs. */
  sideBySide?: boolean;
  /** Training pairs (a GAN's pictures), and the adapter, at the run's beginning. */
  pairs?: number;
  adapter?: string;
  /** With several ranks: whether batch norm takes its statistics over all of them. */
  syncBatchNorm?: boolean;
  /** With several ranks: the type in which gradients are sent. */
  gradCompression?: 'none' | 'f16';
  /** Seconds of training so far. */
  seconds?: number;
  [key: string]: unknown;
}
