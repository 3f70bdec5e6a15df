import type { Device } from '../../../engine/gpu/device.ts';
import { convTuning } from '../../../engine/ops/conv/tuning/tuning.ts';

/** Which kernels a run computes with: part of its record, so that it can go on with the same ones. */
export interface TuningRecord {
  /** The adapter that they were chosen for. */
  adapter: string;
  /** By `convKey`. */
  choices: Record<string, string>;
}

/** What the programs recorded on `device` have taken, and what its table would say of others. */
export function tuningRecord(device: Device): TuningRecord {
  const { table, taken } = convTuning(device);
  const choices = [...taken].map(([key, { choice }]) => [key, choice]);
  return {
    adapter: device.description,
    choices: { ...Object.fromEntries(table ?? []), ...Object.fromEntries(choices) },
  };
}

/**
 * The table of a run's record, for `ConvTuning.table`; undefined where the record has none, or one of another
 * adapter, where neither its times nor its numbers hold.
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
