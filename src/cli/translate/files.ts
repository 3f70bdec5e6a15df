import { existsSync, realpathSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { extname, join, parse, resolve } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { fileName } from '../../files/file_name.ts';
import { isHidden, READABLE } from '../../pix2pix/data/files/formats.ts';
import { checkWritable } from '../../pix2pix/data/image/encode.ts';

/** An input picture, and the path of its translation. */
export interface Job {
  from: string;
  to: string;
}

/** Whether an output path can only mean a folder. */
export const namesFolder = (path: string): boolean =>
  /[\\/]$/.test(path) || (existsSync(path) && statSync(path).isDirectory());

/**
 * Interprets `translate IN OUT`: a file goes to a file or into a folder, a folder's pictures go into a folder.
 * @param format of pictures in a folder: png, jpg, webp or npy
 * @param channels of the translated pictures
 * @throws PixtapeError if IN is missing or has no picture, or if OUT would overwrite a picture of IN
 */
export async function findPictures(from: string, to: string, format: string, channels: number): Promise<Job[]> {
  if (!existsSync(from)) throw new PixtapeError(`there is no ${from}`, 'IN is a picture, or a folder of pictures.');
  const intoFolder = namesFolder(to);
  if (!statSync(from).isDirectory()) {
    const job = { from, to: intoFolder ? join(to, fileName(parse(from).name, `.${format}`)) : to };
    checkWritable(job.to, channels);
    return keepsOriginals([job]);
  }
  if (existsSync(to) && !intoFolder) {
    throw new PixtapeError(`${to} is a file, but ${from} is a folder of pictures`, 'Name a folder for OUT.');
  }
  if (READABLE.has(extname(to).toLowerCase()) && !intoFolder) {
    throw new PixtapeError(
      `${to} is the name of a picture, but ${from} is a folder of pictures`,
      'Name a folder for OUT.',
    );
  }
  checkWritable(`pictures.${format}`, channels);
  const names = await pictureNames(from);
  const stems = names.map((name) => parse(name).name.toLowerCase());
  return keepsOriginals(
    names.map((name, i) => {
      // a.png and a.jpg would both become a.png (on some systems A.png, too): such files keep their whole name.
      const unique = stems.indexOf(stems[i] as string) === stems.lastIndexOf(stems[i] as string);
      return { from: join(from, name), to: join(to, fileName(unique ? parse(name).name : name, `.${format}`)) };
    }),
  );
}

async function pictureNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.flatMap(({ name }) => {
    const readable = !isHidden(name) && READABLE.has(extname(name).toLowerCase());
    return readable && statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() !== true ? [name] : [];
  });
  if (names.length > 0) return names.sort((a, b) => (a < b ? -1 : 1));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const has = folders.length > 0 ? ` (it has the folders ${folders.slice(0, 5).join(', ')})` : '';
  throw new PixtapeError(`there is no picture in ${folder}${has}`, 'Name the folder in which the pictures lie.');
}

/** Compares real paths, so that links and other spellings are noticed. */
function keepsOriginals(jobs: Job[]): Job[] {
  const real = (path: string) => (existsSync(path) ? realpathSync.native(path) : resolve(path));
  const originals = new Set(jobs.map(({ from }) => real(from)));
  for (const { to } of jobs) {
    if (!originals.has(real(to))) continue;
    throw new PixtapeError(
      `${to} is one of the pictures to paint from: it would be overwritten`,
      'Choose another OUT.',
    );
  }
  return jobs;
}
