/** Replaces test/device.ts: the page's own adapter. */
import { Device, type DeviceOptions } from '../../../src/engine/gpu/device.ts';

export async function openTestDevice(options: DeviceOptions = {}): Promise<Device> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('this page has no adapter');
  return Device.open(adapter, '', options);
}

export function closeTestDevice(device: Device): void {
  device.destroy();
}
