import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { osRelease } from '../os_release.ts';

/** A lavapipe unpacked in the cache folder by `fetch.ts`. */
export interface FetchedLavapipe {
  folder: string;
  icd: string;
  /** Absolute paths of the libraries that the system lacks, each after its dependencies; the loader comes last. */
  libraries: string[];
  /** Version of the package mesa-vulkan-drivers. */
  version: string;
}

/** The manifest that `fetch.ts` writes beside the libraries; file names are relative to the folder. */
export interface Manifest {
  version: string;
  icd: string;
  libraries: string[];
}

export const MANIFEST = 'driver.json';

/**
 * One folder per release, because the fetched libraries depend on that release's own packages, and machines with
 * different releases may share a home.
 */
export function fetchedFolder(cache: string): string {
  const { id, version, codename } = osRelease();
  const release = [id, version || codename || 'rolling', process.arch].join('-').replace(/[^\w.-]/g, '_');
  return join(cache, `lavapipe-${release}`);
}

/** The lavapipe that set-up fetched for this system; undefined if there is none. */
export function findFetched(cache: string): FetchedLavapipe | undefined {
  const folder = fetchedFolder(cache);
  try {
    const { version, icd, libraries } = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest;
    const found = { folder, version, icd: join(folder, icd), libraries: libraries.map((name) => join(folder, name)) };
    return [found.icd, ...found.libraries].every((path) => existsSync(path)) ? found : undefined;
  } catch {
    // Missing or damaged: set-up fetches it again.
    return undefined;
  }
}

/** Total bytes of the files in a flat folder. */
export function sizeOf(folder: string): number {
  const size = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return readdirSync(folder).reduce((sum, name) => sum + size(name), 0);
}
