import type { Device } from '../../../engine/gpu/device.ts';
import { convTuning } from '../../../engine/ops/conv/tuning/tuning.ts';

/** The kernels that a run uses: part of its record, so that it can continue with the same ones. */
export interface TuningRecord {
  /** The adapter for which they were chosen. */
  adapter: string;
  /** By `convKey`. */
  choices: Record<string, string>;
}

/** The algorithms that programs recorded on `device` use, and those that its table holds for other convolutions. */
export function tuningRecord(device: Device): TuningRecord {
  const { table, taken } = convTuning(device);
  const choices = [...taken].map(([key, { choice }]) => [key, choice]);
  return {
    adapter: device.description,
    choices: { ...Object.fromEntries(table ?? []), ...Object.fromEntries(choices) },
  };
}

/**
 * The table of a run's record, for `ConvTuning.table`; undefined if the record has none, or one for another adapter,
 * whose times and bits differ.
 */
export function recordedTuning(
  run: Readonly<Record<string, unknown>>,
  { description }: Pick<Device, 'description'>,
): ReadonlyMap<string, string> | undefined {
  const record = run.tuning as Partial<TuningRecord> | null | undefined;
  if (typeof record !== 'object' || record?.adapter !== description) return undefined;
  const entries = Object.entries(record.choices ?? {});
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
