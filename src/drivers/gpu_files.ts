import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';

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
