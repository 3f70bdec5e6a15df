import { join } from 'node:path';
import { fileName } from '../../../files/file_name.ts';
import { type FoundPictures, findParts, headerFaults, type PictureFile } from '../files/all_pictures.ts';
import { intoNewFolder, refuseFull } from '../files/new_folder.ts';
import { decode, type VectorSize } from '../image/decode.ts';
import { type Fit, fitPicture } from '../image/fit_picture.ts';
import { beside, type Raster } from '../image/raster.ts';
import { divide, type Made, type MakeOptions, sameNames, settleFaults, type Task, writeAll } from './write_pictures.ts';

export interface PairsFromPictures extends MakeOptions {
  /** Makes the condition from the picture at its final size. */
  condition: (picture: Raster) => Raster;
  /** Size of each side; by default pictures keep their own. */
  size?: VectorSize;
  fit: Fit;
  /** Fraction to hold out, by names; pictures in train/ and test/ stay there. */
  test?: number;
}

/**
 * Makes side-by-side pairs from any pictures: each is the left half, A, and its `condition` the right half, B.
 * Includes subfolders, which become part of the names.
 * @throws PixtapeError naming the first file that cannot be used (skipped with skipBad), or if OUT is not empty
 */
export async function pairsFromPictures(root: string, out: string, options: PairsFromPictures): Promise<Made> {
  await refuseFull(out);
  const found = await findParts(root);
  if (found.others > 0) {
    const parts = found.test ? 'train and the test folder' : 'train';
    options.warn(`only what is in ${parts} is used: ${root} has pictures outside of it (${found.others})`);
  }
  const train = await usable(found.train);
  const held = found.test && (await usable(found.test));
  settleFaults([...train.faults, ...(held?.faults ?? [])], options);
  const parts = held ? { train: train.pictures, test: held.pictures } : divide(train.pictures, options.test);
  const tasks = (pictures: PictureFile[], part: string): Task[] =>
    pictures.map(({ path, name }) => ({
      files: [join(part, fileName(name, '.png'))],
      load: () => pairOf(path, options),
    }));
  const all = { train: tasks(parts.train, parts.test ? 'train' : ''), test: tasks(parts.test ?? [], 'test') };
  return intoNewFolder(out, (folder) => writeAll(folder, all, options));
}

async function pairOf(path: string, { size, fit, condition }: PairsFromPictures): Promise<Raster[]> {
  const picture = await decode(path, size ? { vector: size } : {});
  const fitted = size ? fitPicture(picture, size, fit) : picture;
  return [beside(fitted, condition(fitted))];
}

/** Pictures with readable headers and distinct names, and what is wrong with the others. */
async function usable({ pictures, faults }: FoundPictures): Promise<FoundPictures> {
  const twice = sameNames(pictures);
  const left = new Set(twice.map(({ path }) => path));
  const bad = await headerFaults(pictures);
  const good = pictures.filter(({ path }, i) => !bad[i] && !left.has(path));
  return { pictures: good, faults: [...faults, ...twice, ...bad.filter((fault) => fault !== undefined)] };
}
