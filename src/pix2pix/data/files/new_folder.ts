import { join } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { listFolder, makeFolder, moveAll, removeFolder } from '../../../files/folder.ts';
import { FolderLock, LOCK_FILE } from '../../../files/lock/lock.ts';

const UNFINISHED = '.unfinished';

/** Refuses a folder that has content, which must not be mixed or overwritten. The folder need not exist. */
export async function refuseFull(out: string): Promise<void> {
  // First, report a process that is writing into it.
  if ((await listFolder(out))?.includes(LOCK_FILE)) await (await take(out)).release();
  await refuseNames(out);
}

async function refuseNames(out: string): Promise<void> {
  const names = ((await listFolder(out)) ?? []).filter((name) => name !== LOCK_FILE);
  if (names.length === 0) return;
  const rest = names.every((name) => name === UNFINISHED);
  const why = rest
    ? `holds ${UNFINISHED}, left by a command that was cut short`
    : 'is not empty; nothing is written over';
  throw new PixtapeError(`${out} ${why}`, rest ? 'Delete it, or name a new folder.' : 'Name a new folder.');
}

const take = (out: string) =>
  FolderLock.take(out, { command: 'pixtape data', hint: 'Wait until it is done, or name a new folder.' });

/**
 * Fills a new or empty folder completely or not at all: `write` fills a hidden subfolder, whose content is moved up at
 * the end. If it fails, everything is removed. Other processes are kept out meanwhile.
 * @throws FolderInUse if another process uses it, PixtapeError if OUT is not empty, and what `write` throws
 */
export async function intoNewFolder<T>(out: string, write: (folder: string) => Promise<T>): Promise<T> {
  const lock = await take(out);
  try {
    await refuseNames(out);
    const folder = join(out, UNFINISHED);
    try {
      await makeFolder(folder);
      const result = await write(folder);
      await moveAll(folder, out);
      return result;
    } catch (error) {
      await removeFolder(folder).catch(() => undefined); // report the first error, not this one
      throw error;
    }
  } finally {
    await lock.release();
  }
}
