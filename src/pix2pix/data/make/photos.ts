import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { writeFileAtomic } from '../../../files/files.ts';
import { findAllPictures, type PictureFile } from '../files/all_pictures.ts';
import { intoNewFolder, refuseFull } from '../files/new_folder.ts';
import { decode } from '../image/decode.ts';
import type { Raster } from '../image/raster.ts';
import { divide, type Made, type MakeOptions, sameNames, settleFaults, type Task, writeAll } from './write_pictures.ts';

/** The folder and the package of Tux Paint's stamps, on Debian and its derivatives. */
export const STAMPS = '/usr/share/tuxpaint/stamps';
export const STAMPS_PACKAGE = 'tuxpaint-stamps-default';

const CREDITS =
  `Pictures: the photographs among the stamps of Tux Paint (https://tuxpaint.org), Debian package ${STAMPS_PACKAGE}.\n` +
  'Copyright 2002-2022 Bill Kendrick and the contributors whom CONTRIBUTORS.txt of the source package tuxpaint-stamps names.\n' +
  'Licence: GNU General Public License, version 2 or later (https://www.gnu.org/licenses/old-licenses/gpl-2.0.html).\n' +
  'Changes: laid on white, written as PNG; drawings left out. File names tell the folders they lay in.\n';

/** Folders that hold mostly drawings. */
const DRAWINGS = new Set(['cartoon', 'symbols', 'flags', 'roadsigns', 'seasonal', 'clothes', 'body_parts']);
/** Neighbouring pixels are seldom equal in photographs, but mostly equal in drawings. Measured on the 796 stamps. */
const MOST_EQUAL = 0.4;
/** Colours out of 32 × 32 × 32, and the mean distance between channels, which excludes grey pictures. */
const LEAST_COLOURS = 150;
const LEAST_CHROMA = 0.04;
/** The longer side in pixels; smaller pictures would be blurred. */
const LEAST_SIDE = 64;

/**
 * Copies the photographs among Tux Paint's stamps into a new folder, on white, with a CREDITS.txt: colour pictures for
 * `data gray` and `data edges`. Skips drawings, grey pictures and small ones.
 * @param stamps the package's folder of stamps
 * @throws PixtapeError if that does not exist or holds no photographs, or if OUT is not empty
 */
export async function exportPhotos(
  stamps: string,
  out: string,
  options: MakeOptions & { test?: number; onLooked?: MakeOptions['onWritten'] },
): Promise<Made> {
  await refuseFull(out);
  if (!(await stat(stamps).catch(() => undefined))) {
    throw new PixtapeError(
      `there are no stamps in ${stamps}`,
      `Install Debian's package (sudo apt install ${STAMPS_PACKAGE}), let --download fetch and unpack it without installing (161 MB), or name its folder "stamps" with --from.`,
    );
  }
  const chosen = await choosePhotos(stamps, options.onLooked);
  const twice = sameNames(chosen);
  settleFaults(twice, options);
  const photos = chosen.filter(({ path }) => !twice.some((fault) => fault.path === path));
  if (photos.length === 0) throw new PixtapeError(`none of the pictures in ${stamps} is a photograph in colour`);
  const { train, test } = divide(photos, options.test);
  const tasks = (files: PictureFile[], part: string): Task[] =>
    files.map(({ path, name }) => ({ files: [join(part, `${name}.png`)], load: async () => [await decode(path)] }));
  return intoNewFolder(out, async (folder) => {
    await writeFileAtomic(join(folder, 'CREDITS.txt'), CREDITS);
    const copyright = join(stamps, '..', '..', 'doc', STAMPS_PACKAGE, 'copyright');
    const terms = await readFile(copyright).catch(() => undefined);
    if (terms) await writeFileAtomic(join(folder, 'copyright.txt'), terms);
    return writeAll(folder, { train: tasks(train, test ? 'train' : ''), test: tasks(test ?? [], 'test') }, options);
  });
}

async function choosePhotos(stamps: string, onLooked?: MakeOptions['onWritten']): Promise<PictureFile[]> {
  const { pictures } = await findAllPictures(stamps);
  const candidates = pictures.filter(({ path }) => {
    const below = relative(stamps, path);
    if (extname(path).toLowerCase() === '.svg' || /mirror/.test(below)) return false;
    return !below.split(sep).some((folder) => DRAWINGS.has(folder));
  });
  const chosen: PictureFile[] = [];
  const seen = new Set<string>();
  for (const [i, file] of candidates.entries()) {
    const digest = createHash('sha256')
      .update(await readFile(file.path))
      .digest('hex');
    if (!seen.has(digest) && isPhotograph(await decode(file.path))) chosen.push(file);
    seen.add(digest);
    onLooked?.(i + 1, candidates.length);
  }
  return chosen;
}

/** Whether a picture on white is a colour photograph, judging by the pixels that are not white. */
export function isPhotograph({ width, height, data }: Raster): boolean {
  if (Math.max(width, height) < LEAST_SIDE) return false;
  const size = width * height;
  const white = data instanceof Uint16Array ? 65535 : data instanceof Uint8Array ? 255 : 1;
  const at = (i: number) => [data[i], data[size + i], data[2 * size + i]] as [number, number, number];
  const colours = new Set<number>();
  let [seen, equal, chroma] = [0, 0, 0];
  for (let i = 0; i + 1 < size; i++) {
    const [here, next] = [at(i), at(i + 1)];
    if (here.every((value) => value === white)) continue;
    seen++;
    chroma += (Math.max(...here) - Math.min(...here)) / white;
    if (here.every((value, c) => value === next[c])) equal++;
    colours.add(here.reduce((code, value) => 32 * code + Math.floor((31 * value) / white), 0));
  }
  return equal <= MOST_EQUAL * seen && chroma >= LEAST_CHROMA * seen && colours.size >= LEAST_COLOURS;
}
