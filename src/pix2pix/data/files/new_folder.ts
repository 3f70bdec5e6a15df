import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';

const UNFINISHED = '.unfinished';

/** What is in a folder already must not be mixed with or written over. The folder need not be there. */
export async function refuseFull(out: string): Promise<void> {
  const names = await namesIn(out);
  if (!names || names.length === 0) return;
  const rest = names.every((name) => name === UNFINISHED);
  const why = rest
    ? `holds ${UNFINISHED}, left by a command that was cut short`
    : 'is not empty; nothing is written over';
  throw new PixtapeError(`${out} ${why}`, rest ? 'Delete it, or name a new folder.' : 'Name a new folder.');
}

/**
 * Fills a new or empty folder as a whole or not at all: `write` gets a hidden folder inside it, and what is there in the
 * end is moved up. If it fails, everything is gone again.
 * @throws PixtapeError when OUT is not empty, and what `write` throws
 */
export async function intoNewFolder<T>(out: string, write: (folder: string) => Promise<T>): Promise<T> {
  await refuseFull(out);
  const before = await namesIn(out);
  const folder = join(out, UNFINISHED);
  try {
    await mkdir(folder, { recursive: true });
    const result = await write(folder);
    for (const name of await readdir(folder)) await rename(join(folder, name), join(out, name));
    await rmdir(folder);
    return result;
  } catch (error) {
    await rm(before ? folder : out, { recursive: true, force: true });
    throw error;
  }
}

/** What is in a folder; undefined where there is none. */
async function namesIn(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') throw new PixtapeError(`${path} is a file; a folder is wanted`, 'Name a new folder.');
    throw error;
  }
}
