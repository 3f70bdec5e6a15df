import { openDevice } from '../src/drivers/open_device.ts';
import type { Device, DeviceOptions } from '../src/engine/gpu/device.ts';
import { convTuning } from '../src/engine/ops/conv/tuning/tuning.ts';

export interface TestDeviceOptions extends DeviceOptions {
  /** The algorithm of convolutions; see `ConvTuning`. */
  algorithm?: string;
  table?: ReadonlyMap<string, string>;
}

/**
 * A device on the adapter that PIXTAPE_ADAPTER names, or else on the best one found. `guards` detects out-of-bounds
 * writes; `maxBinding` imitates a driver with a small binding limit.
 */
export async function openTestDevice({ algorithm, table, ...options }: TestDeviceOptions = {}): Promise<Device> {
  const device = await openDevice('auto', { memoryBudget: Number.POSITIVE_INFINITY, ...options });
  const tuning = convTuning(device);
  if (algorithm !== undefined) tuning.algorithm = algorithm;
  if (table) tuning.table = table;
  return device;
}

/** Destroys the device but not Dawn: freeing Dawn while a device is still being torn down has hung a test process. */
export function closeTestDevice(device: Device): void {
  device.destroy();
}
