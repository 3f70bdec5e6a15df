import { openAdapter } from '../src/drivers/index.ts';
import { Device, type DeviceOptions } from '../src/engine/gpu/device.ts';

/**
 * A device on the adapter that PIXTAPE_ADAPTER names, or else the best that is found. With `guards` a write out of
 * bounds shows; `maxBinding` plays a driver with a small binding limit.
 */
export async function openTestDevice(options: DeviceOptions = {}): Promise<Device> {
  const { adapter, description } = await openAdapter();
  return Device.open(adapter, description, options);
}

/** Destroys the device. Dawn itself stays: freed while a device is still being torn down, it has hung a test process. */
export function closeTestDevice(device: Device): void {
  device.destroy();
}
