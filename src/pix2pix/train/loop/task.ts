import type { Device } from '../../../engine/gpu/device.ts';
import type { FolderLock } from '../../../files/lock/lock.ts';
import type { ReportData } from '../report/report.ts';
import type { RunEnd, TrainingTask } from './core.ts';
import type { LogLine } from './folder/log.ts';
import type { Agree } from './follow.ts';

export const LATEST = 'latest.safetensors';
/** Names of checkpoints kept beside it, by epoch or by step. */
export const ofEpoch = (epoch: number): string => `epoch-${epoch}.safetensors`;
export const ofStep = (step: number): string => `iter-${step}.safetensors`;

export interface LoopOptions {
  /** The run's folder. */
  folder: string;
  /** The folder's lock, if the caller holds it; otherwise the loop takes it. */
  lock?: FolderLock;
  name: string;
  /** Stop after this many steps in total. */
  steps: number;
  /** Stop after this many minutes of this session. */
  minutes?: number;
  /**
   * Steps between two readings of the losses, two sample grids, and two checkpoints. Checkpoints are also written at
   * least every five minutes.
   */
  logEvery: number;
  sampleEvery: number;
  saveEvery: number;
  /** Also keep a checkpoint named after its epoch, every this many epochs; 0 for never. */
  saveEveryEpochs: number;
  /** Also keep the checkpoint of each `saveEvery`, named after its step; by default not. */
  saveByStep?: boolean;
  /** Whether it was resumed from a checkpoint, whose log and pictures are continued. */
  resumed: boolean;
  /** Stored in the checkpoint and the report. */
  record: Record<string, unknown>;
  credits?: string;
  /** Set if several ranks train: they must end at the same step. */
  agree?: Agree;
  /** Called after the first steps with an estimate of this session's remaining seconds. */
  onPace?: (seconds: number) => void;
}

export interface LoopResult {
  /** Why it ended. */
  end: RunEnd;
  steps: number;
  checkpoint: string;
  report: string;
}

/** The fields of a log line for a model's losses. */
export type LossFields = Pick<
  LogLine,
  'lossD' | 'lossG' | 'lossAdv' | 'lossL1' | 'lossSsim' | 'lossCycle' | 'scoreReal' | 'scoreFake'
>;

/** How a sample grid is drawn. */
export interface SampleOptions {
  /** Asked between pictures whether to stop. */
  stop: () => boolean;
  /** Whether the run ends with this grid. */
  last: boolean;
  /** Called with the progress. */
  onPainted: (done: number, total: number) => void;
}

/** A training task with everything that a run's folder needs. */
export interface FolderTask<Loss extends string> extends TrainingTask<Loss> {
  readonly device: Device;
  /** Pictures in a step. */
  readonly batch: number;
  /** The epoch, from 0, that step `step` (from 0) belongs to. */
  epochOf(step: number): number;
  /** The losses of a step as fields of the log. */
  logged(row: Readonly<Record<Loss, number>>): LossFields;
  /** What to do about a loss that is not finite. */
  divergenceHint(epoch: number): string;
  /** Draws a sample grid, with measurements and a line about them; undefined if `stop` interrupted it. */
  sample(
    options: SampleOptions,
  ): Promise<{ grid: Uint8Array; measured: Pick<LogLine, 'testL1'>; note?: string } | undefined>;
  save(path: string, record: Record<string, unknown>): Promise<void>;
  /** The parts of the report that only the model knows. */
  report(): Pick<ReportData, 'config' | 'summary' | 'baseline' | 'charts' | 'gridNote'>;
}
