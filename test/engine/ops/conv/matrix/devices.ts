import { openAdapter, openExperimental } from '../../../../../src/drivers/index.ts';
import { Device } from '../../../../../src/engine/gpu/device.ts';
import type { MatrixUnit } from '../../../../../src/engine/gpu/shader/matrix_unit.ts';
import emulated from './emulated_matrix.wgsl';

/** Sizes of real GPUs' units (RADV and NVIDIA, NVIDIA, Apple, Intel), which the emulation uses. */
export const SIZES = {
  '16x16x16': { m: 16, n: 16, k: 16, subgroup: 32 },
  '16x8x8': { m: 16, n: 8, k: 8, subgroup: 32 },
  '8x8x8': { m: 8, n: 8, k: 8, subgroup: 32 },
  '8x16x16': { m: 8, n: 16, k: 16, subgroup: 16 },
} as const;

/** A device without a disguise. */
export async function plainDevice(adapterName = 'auto'): Promise<Device> {
  const { adapter, description } = await openAdapter(adapterName);
  return Device.open(adapter, description, { guards: true });
}

/** A device that poses as a GPU with a matrix unit of this size, whose operations are emulated in plain WGSL. */
export async function emulatedDevice(size: keyof typeof SIZES, adapterName = 'swiftshader'): Promise<Device> {
  const device = await plainDevice(adapterName);
  const { subgroup } = SIZES[size];
  const matrixUnit: MatrixUnit = { ...SIZES[size], largestSubgroup: subgroup, operations: emulated };
  Object.assign(device.capabilities, { cpu: false, matrixUnit });
  return device;
}

/** A device whose driver multiplies matrices, posing as a GPU; undefined if there is none. */
export async function matrixDevice(): Promise<Device | undefined> {
  const { adapter, description } = await openExperimental('auto');
  const device = await Device.open(adapter, description, { guards: true });
  if (!device.capabilities.matrixUnit) {
    device.destroy();
    return undefined;
  }
  device.capabilities.cpu = false;
  return device;
}
