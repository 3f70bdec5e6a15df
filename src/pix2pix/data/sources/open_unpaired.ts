import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';
import type { RandomStream } from '../../../engine/util/random.ts';
import type { DataOptions, Dataset } from '../sets/dataset.ts';
import type { PictureSet } from '../sets/picture_set.ts';
import { openDataset } from './open.ts';
import { openPictures } from './open_pictures.ts';

/** Pictures of one domain. */
export interface Domain {
  readonly length: number;
  name(index: number): string;
  /** CHW, values in [0, 1]; with `random`, augmented as the options say. */
  picture(index: number, random?: RandomStream): Promise<Float32Array>;
}

/** Unpaired pictures of two domains. */
export interface OpenedUnpaired {
  a: Domain;
  b: Domain;
  /** Pictures that training never sees. */
  testA: Domain;
  testB: Domain;
  /** One line for the user. */
  summary: string;
}

/**
 * Finds the pictures of two domains: the folders trainA/ and trainB/ (testA/, testB/) of `dataroot`, as in CycleGAN's
 * data sets, or the sides of any set of pairs, without their pairing.
 * @throws PixtapeError saying what is wrong with the folder or which file is bad
 */
export async function openUnpaired(options: DataOptions): Promise<OpenedUnpaired> {
  const { data, dataroot } = options;
  if (data === 'folder' && dataroot !== undefined && existsSync(join(dataroot, 'trainA')))
    return openFolders(options, dataroot);
  const { train, test, summary } = await openDataset(options);
  // A is the left side of pairs, whichever side is the condition.
  const [sideA, sideB] =
    options.direction === 'BtoA' ? (['real', 'condition'] as const) : (['condition', 'real'] as const);
  return {
    a: sideOf(train, sideA),
    b: sideOf(train, sideB),
    testA: sideOf(test, sideA),
    testB: sideOf(test, sideB),
    summary: `${summary}; taken apart, in two orders`,
  };
}

function sideOf(pairs: Dataset, side: 'real' | 'condition'): Domain {
  return {
    length: pairs.length,
    name: (i) => pairs.name(i),
    picture: async (i, random) => (await pairs.pair(i, random))[side],
  };
}

async function openFolders(options: DataOptions, dataroot: string): Promise<OpenedUnpaired> {
  const { width, height, flip, jitter, skipBad, warn, maxDatasetSize = Number.POSITIVE_INFINITY } = options;
  if (width !== height) {
    throw new PixtapeError(
      `pictures of ${width} × ${height}: those of two folders are cut square`,
      'Use one side, such as 256.',
    );
  }
  const open = async (name: string): Promise<Domain | undefined> => {
    const folder = join(dataroot, name);
    if (!existsSync(folder)) return undefined;
    const { train } = await openPictures({
      data: 'folder',
      dataroot: folder,
      side: width,
      augment: jitter,
      flip,
      skipBad,
      warn,
    });
    return domainOf(train, maxDatasetSize);
  };
  const [a, b] = [await open('trainA'), await open('trainB')];
  if (!a || !b) throw new PixtapeError(`${dataroot} has trainA/, but no trainB/`, 'Both domains are needed.');
  const [testA, testB] = [(await open('testA')) ?? a, (await open('testB')) ?? b];
  return { a, b, testA, testB, summary: `${a.length} pictures of A, ${b.length} of B: ${dataroot}` };
}

function domainOf(set: PictureSet, most: number): Domain {
  return {
    length: Math.min(set.length, most),
    name: (i) => set.name(i),
    picture: (i, random) => set.picture(i, random),
  };
}
