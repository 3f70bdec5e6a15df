import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { osRelease } from '../os_release.ts';

/** A lavapipe that lies unpacked in the cache folder, as `fetch.ts` leaves it. */
export interface FetchedLavapipe {
  folder: string;
  icd: string;
  /** Absolute paths of the libraries that the system lacks, each behind those that it needs; the loader is the last. */
  libraries: string[];
  /** Of the package mesa-vulkan-drivers. */
  version: string;
}

/** What `fetch.ts` writes beside the libraries: names within the folder. */
export interface Manifest {
  version: string;
  icd: string;
  libraries: string[];
}

export const MANIFEST = 'driver.json';

/**
 * A folder for each release, since what was fetched goes with what that release's own packages hold: a home may be shared
 * by machines of several.
 */
export function fetchedFolder(cache: string): string {
  const { id, version, codename } = osRelease();
  const release = [id, version || codename || 'rolling', process.arch].join('-').replace(/[^\w.-]/g, '_');
  return join(cache, `lavapipe-${release}`);
}

/** The lavapipe that set-up has fetched for this system; undefined where it has not. */
export function findFetched(cache: string): FetchedLavapipe | undefined {
  const folder = fetchedFolder(cache);
  try {
    const { version, icd, libraries } = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest;
    const found = { folder, version, icd: join(folder, icd), libraries: libraries.map((name) => join(folder, name)) };
    return [found.icd, ...found.libraries].every((path) => existsSync(path)) ? found : undefined;
  } catch {
    // Not there, or damaged: set-up fetches it anew.
    return undefined;
  }
}

/** Bytes of the files in a folder without folders. */
export function sizeOf(folder: string): number {
  const size = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return readdirSync(folder).reduce((sum, name) => sum + size(name), 0);
}
