import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The files in /dev through which drivers reach GPUs; none on systems without a /dev. */
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

/** What the device files say about why no GPU driver answered; undefined where they say nothing. */
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

/** Variables by which a scheduler, or the user, has chosen a process' GPU already. */
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
 * What Vulkan is to be told, by its environment, so that one of several processes on this machine takes a GPU of its own.
 * Mesa's device-select layer heeds it, which goes before the drivers of all makers.
 * @param place which of the processes this is, from 0
 * @returns nothing where there is one GPU, or somebody has chosen already
 */
export function ownGpu(place: number, addresses: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const address = addresses[place];
  if (addresses.length < 2 || address === undefined || CHOSEN_BY.some((name) => env[name])) return {};
  return { DRI_PRIME: `pci-${address.replace(/[:.]/g, '_')}` };
}
