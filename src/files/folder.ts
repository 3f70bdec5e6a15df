import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { codeOf, type DiskWork, explainDiskError } from './disk_error.ts';

/** Runs what touches `path`, and turns what the operating system says against it into a sentence. */
async function at<T>(path: string, doing: DiskWork['doing'], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await explainDiskError(error, path, { doing });
  }
}

/**
 * Makes a folder and those above it; one that is there stays. Returns the topmost one that was missing. Node's own
 * recursive mkdir says ENOENT where the system said EROFS, EDQUOT or EMFILE, and never ends below /proc.
 * @throws DiskError naming the folder and the cause
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const missing = await missingFolders(resolve(path));
  for (const folder of missing) {
    try {
      await mkdir(folder);
    } catch (error) {
      const other = codeOf(error) === 'EEXIST' && (await stat(folder).catch(() => undefined))?.isDirectory();
      if (!other) throw await explainDiskError(error, codeOf(error) === 'EEXIST' ? folder : path);
    }
  }
  return missing[0];
}

/** From the top down. A file in the way counts as missing: mkdir says what is wrong with it. */
async function missingFolders(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    const there = (await stat(folder).catch(() => undefined))?.isDirectory();
    if (there || folder === dirname(folder)) return missing;
    missing.unshift(folder);
  }
}

/** The names in a folder; undefined where there is none. @throws DiskError */
export async function listFolder(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw await explainDiskError(error, path, { doing: 'read' });
  }
}

/** Removes a file; one that is gone already is no error. @throws DiskError */
export const removeFile = (path: string): Promise<void> => at(path, 'removed', () => rm(path, { force: true }));

/** Removes a folder with everything in it. @throws DiskError */
export const removeFolder = (path: string): Promise<void> =>
  at(path, 'removed', () => rm(path, { recursive: true, force: true, maxRetries: 3 }));

/** A new folder, `NAME` with something random behind it, in `within`: by default the system's folder for such. @throws DiskError */
export function makeTemporaryFolder(name: string, within = tmpdir()): Promise<string> {
  const start = join(within, name);
  return at(start, 'written', () => mkdtemp(start));
}

/** Moves a file or folder on the same disk. @throws DiskError */
export const move = (from: string, to: string): Promise<void> => at(to, 'written', () => rename(from, to));

/** Moves everything in `from` up into `to`, on the same disk, and removes `from`. @throws DiskError */
export async function moveAll(from: string, to: string): Promise<void> {
  for (const name of (await listFolder(from)) ?? []) await move(join(from, name), join(to, name));
  await removeFolder(from);
}
