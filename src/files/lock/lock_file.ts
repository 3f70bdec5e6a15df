import { constants, copyFile, link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../disk_error.ts';
import { temporaryName } from '../files.ts';
import type { ProcessIdentity } from './process.ts';

/** The file that says who writes into a folder. */
export const LOCK_FILE = '.pixtape-lock';

/** Who holds a folder. */
export interface Holder extends ProcessIdentity {
  token: string;
  command: string;
  /** ISO 8601. */
  since: string;
}

/** A lock file as found; `holder` is undefined if the text cannot be parsed. */
export interface Found {
  holder: Holder | undefined;
  text: string;
  /** Last change, by the clock of the file's own system. */
  changed: number;
}

export const textOf = (holder: Holder): string => `${JSON.stringify(holder)}\n`;

const beside = (path: string): string => join(dirname(path), temporaryName(LOCK_FILE));

/**
 * Creates the lock file. Returns false if there is one already. A link creates it with its whole text, so that nobody
 * reads a half.
 */
export async function createLock(path: string, text: string): Promise<boolean> {
  const whole = beside(path);
  try {
    await writeNew(whole, text);
    await putBack(whole, path);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    // A network file system may have created the link but lost the answer.
    return (await readLock(path))?.text === text;
  } finally {
    await rm(whole, { force: true });
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.write(text);
  } finally {
    await handle.close();
  }
}

/** Renames a file without replacing another. @throws an error with the code EEXIST if there is one */
async function putBack(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') throw error;
    // FAT and some network file systems have no links.
    await copyFile(from, to, constants.COPYFILE_EXCL);
  }
}

/**
 * Reads the lock file; undefined if there is none. Opens it each time: only that makes a network file system ask its
 * server.
 */
export async function readLock(path: string): Promise<Found | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const text = await handle.readFile('utf8');
      return { text, holder: parse(text), changed: (await handle.stat()).mtimeMs };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const { token, pid, host, place, started, command, since } = JSON.parse(text) as Partial<Holder>;
    if (![token, host, place, command, since].every((value) => typeof value === 'string')) return undefined;
    if (!Number.isSafeInteger(pid)) return undefined;
    return { token, pid, host, place, command, since, ...(started ? { started } : {}) } as Holder;
  } catch {
    return undefined; // being written just now, or damaged
  }
}

/** The time by the clock that dates files in this folder, which may be a server's. */
export async function clockOf(folder: string): Promise<number> {
  const path = join(folder, temporaryName(LOCK_FILE));
  try {
    await (await open(path, 'wx')).close();
    return (await stat(path)).mtimeMs;
  } finally {
    await rm(path, { force: true });
  }
}

/** Removes this stale lock only. Puts back a lock that another process created meanwhile. */
export async function clearLock(path: string, stale: Found): Promise<void> {
  const aside = beside(path);
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    const moved = await readLock(aside);
    if (moved && moved.text !== stale.text) await putBack(aside, path).catch(() => undefined);
  } finally {
    await rm(aside, { force: true });
  }
}
