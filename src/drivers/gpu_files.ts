import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The device files in /dev through which drivers reach GPUs; none on systems without /dev. */
export function gpuFiles(): string[] {
  const inFolder = (folder: string, pattern: RegExp) => {
    try {
      return readdirSync(folder)
        .filter((name) => pattern.test(name))
        .map((name) => join(folder, name));
    } catch {
      return [];
    }
  };
  return [...inFolder('/dev/dri', /^renderD/), ...inFolder('/dev', /^nvidia\d|^dxg$|^kgsl-/)];
}

/** Why no GPU driver answered, as far as the device files tell; undefined if they do not. */
export function whyNoGpu(): string | undefined {
  const files = gpuFiles();
  if (files.length === 0) return 'no GPU device file in /dev';
  const closed = files.filter((file) => {
    try {
      accessSync(file, constants.R_OK | constants.W_OK);
      return false;
    } catch {
      return true;
    }
  });
  if (closed.length === 0) return undefined;
  return `no permission for ${closed.join(', ')} (\`sudo usermod -aG render,video $USER\`, then log in again)`;
}

/** Variables through which a scheduler or the user has already chosen a process's GPU. */
const CHOSEN_BY = [
  'DRI_PRIME',
  'MESA_VK_DEVICE_SELECT',
  'CUDA_VISIBLE_DEVICES',
  'ROCR_VISIBLE_DEVICES',
  'GPU_DEVICE_ORDINAL',
  'SLURM_STEP_GPUS',
];

/** The PCI addresses of this machine's GPUs, in their order; none outside Linux. */
export function gpuAddresses(drm = '/sys/class/drm'): string[] {
  try {
    const nodes = readdirSync(drm).filter((name) => /^renderD/.test(name));
    return nodes.map((name) => basename(realpathSync(join(drm, name, 'device')))).sort();
  } catch {
    return [];
  }
}

/**
 * The environment that makes Vulkan give one of several processes on this machine a GPU of its own. Mesa's
 * device-select layer reads it, for the drivers of all vendors.
 * @param place index of this process on the machine, from 0
 * @returns an empty object if there is one GPU, or one has been chosen already
 */
export function ownGpu(place: number, addresses: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const address = addresses[place];
  if (addresses.length < 2 || address === undefined || CHOSEN_BY.some((name) => env[name])) return {};
  return { DRI_PRIME: `pci-${address.replace(/[:.]/g, '_')}` };
}
