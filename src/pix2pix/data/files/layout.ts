import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { type FileTree, findPairsIn, type Layout, type TreeEntry } from './find_pairs.ts';

export type { Layout, PairFiles } from './find_pairs.ts';

/** Finds the pairs of a folder on disk; see `findPairsIn` for the supported layouts. */
export function findPairs(root: string | { a: string; b: string }): Promise<Layout> {
  return findPairsIn(disk, root);
}

/** The file system of this machine. */
export const disk: FileTree = { list, join, relative };

async function list(path: string): Promise<TreeEntry[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new PixtapeError(`there is no folder ${path}`, 'Check the path.', { cause: error });
    if (code === 'ENOTDIR') {
      throw new PixtapeError(`${path} is a file, not a folder`, 'Name the folder.', { cause: error });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new PixtapeError(`${path} cannot be read (${code})`, 'Check its permissions.', { cause: error });
    }
    throw error;
  }
  return Promise.all(entries.map(async (entry) => ({ name: entry.name, kind: await kindOf(entry, path) })));
}

async function kindOf(entry: Dirent, folder: string): Promise<TreeEntry['kind']> {
  const behind = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => undefined) : entry;
  if (!behind) return 'nothing';
  return behind.isDirectory() ? 'folder' : behind.isFile() ? 'file' : 'other';
}
