import { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';

/** Finds an adapter, if need be a software one; undefined if the browser has none. */
export async function findAdapter(): Promise<GPUAdapter | undefined> {
  const { gpu } = navigator;
  if (!gpu) return undefined;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  return adapter ?? (await gpu.requestAdapter({ forceFallbackAdapter: true })) ?? undefined;
}

const lost = new WeakSet<Device>();

/** Opens a device. @throws PixtapeError if this browser has no adapter */
export async function openPageDevice(): Promise<Device> {
  const adapter = await findAdapter();
  if (!adapter) {
    throw new PixtapeError('this browser gives no WebGPU adapter', 'Reload the page, or restart the browser.');
  }
  const device = await Device.open(adapter);
  void device.gpu.lost.then(() => lost.add(device));
  // For the console, for example to see what happens when a device is lost: `pixtape.device.destroy()`.
  Object.assign(globalThis, { pixtape: { device } });
  return device;
}

/** Whether the device is known to be lost. Such a device ignores calls without an error. */
export const isLost = (device: Device): boolean => lost.has(device);

/** The reason why a device was lost, or undefined if it was not. Waits a moment, since errors may arrive first. */
export function lossOf(device: Device, milliseconds = 500): Promise<string | undefined> {
  const news = device.gpu.lost.then(({ reason, message }) => message || reason || 'no reason given');
  const none = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), milliseconds));
  return Promise.race([news, none]);
}
