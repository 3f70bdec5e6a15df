import { availableParallelism, freemem } from 'node:os';
import { Device, type DeviceOptions } from '../engine/gpu/device.ts';
import { requestDevice } from '../engine/gpu/request_device.ts';
import { openAdapter } from './index.ts';
import { keepsShaders } from './lavapipe/environment.ts';

/** Each takes 100 MB or more while it compiles a large kernel. */
const MOST_COMPILERS = 8;

/**
 * Finds a WebGPU adapter for Node and opens a device on it: a real GPU, else a software driver. On a software driver
 * the device's memory limit is what the machine or container has free now, unless `options` sets another.
 *
 * @param choice `auto`, `gpu`, `lavapipe`, `swiftshader`, `fallback` or part of an adapter's name; PIXTAPE_ADAPTER
 *   overrides `auto`
 * @throws PixtapeError that lists what was found and what would help, if nothing fits
 */
export async function openDevice(choice = 'auto', options: DeviceOptions = {}): Promise<Device> {
  const { adapter, description, kind, matrices = true } = await openAdapter(choice);
  if (kind === 'gpu') return Device.open(adapter, description, { matrices, ...options });
  const own: DeviceOptions = { memoryBudget: availableMemory() };
  if (kind === 'lavapipe') own.compileAhead = await compilers(choice);
  return Device.open(adapter, description, { ...own, ...options });
}

/** Devices that compile beside the one that computes: one per core, up to a limit. */
async function compilers(choice: string): Promise<GPUDevice[]> {
  if (!keepsShaders(process.env)) return [];
  const count = Math.min(availableParallelism(), MOST_COMPILERS);
  return Promise.all(Array.from({ length: count }, async () => requestDevice((await openAdapter(choice)).adapter)));
}

/** Bytes that this process may still allocate. Node before 20.13 does not know a container's limit. */
function availableMemory(): number {
  return process.availableMemory?.() ?? freemem();
}
