import { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';

/** An adapter, a software one where there is no other; undefined where the browser has none at all. */
export async function findAdapter(): Promise<GPUAdapter | undefined> {
  const { gpu } = navigator;
  if (!gpu) return undefined;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  return adapter ?? (await gpu.requestAdapter({ forceFallbackAdapter: true })) ?? undefined;
}

const lost = new WeakSet<Device>();

/** Opens a device. @throws PixtapeError where this browser gives none. */
export async function openPageDevice(): Promise<Device> {
  const adapter = await findAdapter();
  if (!adapter) {
    throw new PixtapeError('this browser gives no WebGPU adapter', 'Reload the page, or restart the browser.');
  }
  const device = await Device.open(adapter);
  void device.gpu.lost.then(() => lost.add(device));
  // For the console, and for whoever wants to see what a lost device does: `pixtape.device.destroy()`.
  Object.assign(globalThis, { pixtape: { device } });
  return device;
}

/** Known to be lost: it answers nothing any more, but does not complain either. */
export const isLost = (device: Device): boolean => lost.has(device);

/** Why a device was lost, or undefined if it was not; waits a moment, since errors may come before the news. */
export function lossOf(device: Device, milliseconds = 500): Promise<string | undefined> {
  const news = device.gpu.lost.then(({ reason, message }) => message || reason || 'no reason given');
  const none = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), milliseconds));
  return Promise.race([news, none]);
}
