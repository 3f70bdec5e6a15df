import { freemem } from 'node:os';
import { Device, type DeviceOptions } from '../engine/gpu/device.ts';
import { openAdapter } from './index.ts';

/**
 * Finds a WebGPU adapter for Node and opens a device on it: a real GPU, else a software driver. On a software driver the
 * memory that the machine (or the container) has free now is the device's limit, unless `options` say otherwise.
 *
 * @param choice `auto`, `gpu`, `lavapipe`, `swiftshader`, `fallback` or part of an adapter's name; for `auto` the
 *   environment's PIXTAPE_ADAPTER stands in
 * @throws PixtapeError listing what was found and what would help, when nothing fits
 */
export async function openDevice(choice = 'auto', options: DeviceOptions = {}): Promise<Device> {
  const { adapter, description, kind } = await openAdapter(choice);
  if (kind === 'gpu') return Device.open(adapter, description, options);
  return Device.open(adapter, description, { memoryBudget: availableMemory(), ...options });
}

/** Bytes that this process may still take; Node before 20.13 knows of no container's limit. */
function availableMemory(): number {
  return process.availableMemory?.() ?? freemem();
}
