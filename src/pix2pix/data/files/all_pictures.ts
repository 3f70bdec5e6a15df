import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { inspect } from '../image/decode.ts';
import { mapBounded } from '../split/parallel.ts';
import { TEST_FOLDERS } from './find_pairs.ts';
import { BadFile, isHidden, READABLE, splitName, UNREADABLE } from './formats.ts';
import { disk } from './layout.ts';

export interface PictureFile {
  path: string;
  /** Its path in the folder without extension, with `-` for `/`: a name for files made from it. */
  name: string;
}

export interface FoundPictures {
  pictures: PictureFile[];
  /** Pictures in unsupported formats, and broken links. */
  faults: BadFile[];
}

/**
 * Finds all pictures in a folder and its subfolders, in order of their paths. Skips hidden files and cyclic links.
 * @throws PixtapeError if there is no such folder, or no picture in it
 */
export async function findAllPictures(root: string): Promise<FoundPictures> {
  const found: FoundPictures = { pictures: [], faults: [] };
  await walk(root, '', found, []);
  if (found.pictures.length + found.faults.length > 0) return found;
  throw new PixtapeError(`there is no picture in ${root}`, 'Name a folder of JPEG, PNG, WebP or other pictures.');
}

/**
 * @param way the real paths of the folders above
 * @param without subfolders to skip
 */
async function walk(
  folder: string,
  above: string,
  found: FoundPictures,
  way: readonly string[],
  without: readonly (string | undefined)[] = [],
): Promise<void> {
  const entries = await disk.list(folder);
  const here = await realpath(folder);
  if (way.includes(here)) return;
  for (const { name, kind } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isHidden(name) || without.includes(name)) continue;
    const path = disk.join(folder, name);
    const { stem, extension } = splitName(name);
    const ending = extension.toLowerCase();
    if (kind === 'folder') {
      await walk(path, `${above}${name}-`, found, [...way, here]);
    } else if (UNREADABLE.has(ending)) {
      found.faults.push(
        new BadFile(path, `is in a format that is not supported (${ending})`, 'Convert it to PNG or JPEG.'),
      );
    } else if (READABLE.has(ending)) {
      if (kind === 'file') found.pictures.push({ path, name: above + stem });
      else found.faults.push(new BadFile(path, 'is a link to nothing', 'Remove it, or put the picture there.'));
    }
  }
}

/** Finds the pictures of a folder by part: train/ and test/ (or val/), if present. `others` are outside of both. */
export async function findParts(root: string): Promise<{ train: FoundPictures; test?: FoundPictures; others: number }> {
  const folders = (await disk.list(root)).filter(({ kind }) => kind === 'folder');
  const part = (name: string) => folders.find((folder) => folder.name.toLowerCase() === name)?.name;
  const [training, held] = [part('train'), TEST_FOLDERS.map(part).find((name) => name !== undefined)];
  if (training === undefined) return { train: await findAllPictures(root), others: 0 };
  const train = await findAllPictures(disk.join(root, training));
  const test = held === undefined ? undefined : await findAllPictures(disk.join(root, held));
  const others: FoundPictures = { pictures: [], faults: [] };
  await walk(root, '', others, [], [training, held]);
  return { train, ...(test ? { test } : {}), others: others.pictures.length };
}

/** Reads the header of each file. Returns what is wrong with each, or undefined. */
export function headerFaults(files: readonly { path: string }[]): Promise<(BadFile | undefined)[]> {
  return mapBounded(files, 2 * availableParallelism(), async ({ path }) => {
    try {
      await inspect(path);
      return undefined;
    } catch (error) {
      if (error instanceof BadFile) return error;
      throw error;
    }
  });
}
