import { join } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { listFolder, makeFolder, moveAll, removeFolder } from '../../../files/folder.ts';
import { FolderLock, LOCK_FILE } from '../../../files/lock.ts';

const UNFINISHED = '.unfinished';

/** What is in a folder already must not be mixed with or written over. The folder need not be there. */
export async function refuseFull(out: string): Promise<void> {
  // Whoever writes into it now is to be named first.
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
 * Fills a new or empty folder as a whole or not at all: `write` gets a hidden folder inside it, and what is there in the
 * end is moved up. If it fails, everything is gone again. Other processes are kept out meanwhile.
 * @throws FolderInUse where one is there already, PixtapeError when OUT is not empty, and what `write` throws
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
      await removeFolder(folder).catch(() => undefined); // the first error is the one to tell
      throw error;
    }
  } finally {
    await lock.release();
  }
}
