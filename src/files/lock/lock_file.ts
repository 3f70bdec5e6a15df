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

/** A lock file as it was found; `holder` is undefined where the text cannot be read. */
export interface Found {
  holder: Holder | undefined;
  text: string;
  /** By the clock of the file's own system. */
  changed: number;
}

export const textOf = (holder: Holder): string => `${JSON.stringify(holder)}\n`;

const beside = (path: string): string => join(dirname(path), temporaryName(LOCK_FILE));

/**
 * Whether the file is ours now; false where there is one already. A link gives it its whole text at once, so that nobody
 * ever reads a half.
 */
export async function createLock(path: string, text: string): Promise<boolean> {
  const whole = beside(path);
  try {
    await writeNew(whole, text);
    await putBack(whole, path);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    // A network file system may have done it and lost its answer.
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

/** Gives a file another name where there is none. @throws an error with the code EEXIST where there is one */
async function putBack(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') throw error;
    // FAT and some network file systems have no links.
    await copyFile(from, to, constants.COPYFILE_EXCL);
  }
}

/** Opened anew each time: only that makes a network file system ask its server. Undefined where there is none. */
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
    return undefined; // being written this moment, or damaged
  }
}

/** The time by the clock that dates files in this folder: a server's may differ from ours. */
export async function clockOf(folder: string): Promise<number> {
  const path = join(folder, temporaryName(LOCK_FILE));
  try {
    await (await open(path, 'wx')).close();
    return (await stat(path)).mtimeMs;
  } finally {
    await rm(path, { force: true });
  }
}

/** Takes a stale lock away, and nothing else: what another process has put there meanwhile is put back. */
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
