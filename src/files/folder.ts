import { mkdirSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { codeOf, type DiskWork, explainDiskError } from './disk_error.ts';

/** Runs work on `path`, and turns an error of the operating system into a sentence. */
async function at<T>(path: string, doing: DiskWork['doing'], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await explainDiskError(error, path, { doing });
  }
}

/**
 * Creates a folder and its parents if missing. Returns the topmost one that was missing.
 * @throws DiskError naming the folder and the cause
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return makeFolderSync(path);
  } catch (error) {
    const inTheWay = codeOf(error) === 'EEXIST' ? (error as NodeJS.ErrnoException).path : undefined;
    throw await explainDiskError(error, inTheWay ?? path);
  }
}

/**
 * As `makeFolder`, synchronous, with the operating system's own error. Node's recursive mkdir reports ENOENT for the
 * system's EROFS, EDQUOT or EMFILE, and never ends below /proc.
 *
 * @param mode permissions of created folders; by default what the umask leaves
 */
export function makeFolderSync(path: string, mode?: number): string | undefined {
  const missing = missingFolders(resolve(path));
  for (const folder of missing) {
    try {
      mkdirSync(folder, mode);
    } catch (error) {
      // Another process may have just made it.
      if (codeOf(error) !== 'EEXIST' || !isFolder(folder)) throw error;
    }
  }
  return missing[0];
}

/** The missing folders, from the top down. A file in the way counts as missing: mkdir then reports it. */
function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = path; !isFolder(folder) && folder !== dirname(folder); folder = dirname(folder)) {
    missing.unshift(folder);
  }
  return missing;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The names in a folder; undefined if there is no such folder. @throws DiskError */
export async function listFolder(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw await explainDiskError(error, path, { doing: 'read' });
  }
}

/** Removes a file, if it exists. @throws DiskError */
export const removeFile = (path: string): Promise<void> => at(path, 'removed', () => rm(path, { force: true }));

/** Removes a folder with everything in it. @throws DiskError */
export const removeFolder = (path: string): Promise<void> =>
  at(path, 'removed', () => rm(path, { recursive: true, force: true, maxRetries: 3 }));

/**
 * Creates a folder named `NAME` plus random letters in `within`, by default the system's temporary folder.
 * @throws DiskError
 */
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

/** Removes the folder if a signal ends the process, until the returned function is called. */
export function removeFolderOnSignal(folder: string): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const forget = () => {
    for (const each of signals) process.off(each, handler);
  };
  const handler = (signal: NodeJS.Signals) => {
    forget();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    process.kill(process.pid, signal);
  };
  for (const each of signals) process.on(each, handler);
  return forget;
}
