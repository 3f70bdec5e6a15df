import { join } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { fileName } from '../../../files/file_name.ts';
import { writeFileAtomic } from '../../../files/files.ts';
import type { PairFiles } from '../files/find_pairs.ts';
import { findPairs } from '../files/layout.ts';
import { intoNewFolder, refuseFull } from '../files/new_folder.ts';
import { encodeAs } from '../image/encode.ts';
import { beside, type Raster } from '../image/raster.ts';
import { OPENMOJI_CREDITS } from '../sources/emoji/emoji.ts';
import { loadEmojis } from '../sources/emoji/openmoji.ts';
import { drawFacade } from '../sources/facades/draw.ts';
import { TEST_SHARE } from '../sources/facades/open.ts';
import { checkHeaders, loadPair } from '../sources/folder.ts';
import { type Made, type MakeOptions, sameNames, settleFaults, type Task, writeAll } from './write_pictures.ts';

export type { Made, MakeOptions } from './write_pictures.ts';

/**
 * Joins two folders into side-by-side pairs OUT/NAME.png, A left and B right. With train/ and test/ (or val/) in A and
 * B, writes to OUT/train and OUT/test. 16-bit pictures stay 16-bit.
 * @throws PixtapeError if a picture has no partner, another size than its partner, or cannot be decoded (skipped with
 *   skipBad), or if OUT is not empty
 */
export async function combineFolders(a: string, b: string, out: string, options: MakeOptions): Promise<Made> {
  await refuseFull(out);
  const layout = await checkHeaders(await findPairs({ a, b }));
  settleFaults(layout.faults, options);
  const tasks = (pairs: PairFiles[], part: string): Task[] =>
    pairs.map((pair) => ({
      files: [join(part, fileName(pair.name, '.png'))],
      load: async () => [joined(await loadPair(pair))],
    }));
  const train = tasks(layout.train, layout.test ? 'train' : '');
  return intoNewFolder(out, (folder) => writeAll(folder, { train, test: tasks(layout.test ?? [], 'test') }, options));
}

const joined = ({ a, b }: { a: Raster; b: Raster }): Raster => beside(a, b);

/**
 * Splits side-by-side pairs: OUT/A/NAME.png is the left half, OUT/B/NAME.png the right half. train/ and test/ (or
 * val/) become subfolders of A and B. `combineFolders` joins them again, pixel for pixel.
 * @throws PixtapeError if a picture cannot be decoded or halved (skipped with skipBad), if the pairs are split
 *   already, or if OUT is not empty
 */
export async function splitPairs(pairs: string, out: string, options: MakeOptions): Promise<Made> {
  await refuseFull(out);
  const found = await findPairs(pairs);
  if ([...found.train, ...(found.test ?? [])].some((pair) => !('both' in pair))) {
    throw new PixtapeError(`${pairs} has its sides apart already`, 'split takes side-by-side pictures.');
  }
  const layout = await checkHeaders(found);
  const faults = [...layout.faults];
  const tasks = (part: readonly PairFiles[], where: string): Task[] => {
    const twice = sameNames(part.map((pair) => ({ name: pair.name, path: 'both' in pair ? pair.both : pair.a })));
    faults.push(...twice);
    const left = new Set(twice.map(({ path }) => path));
    const kept = part.filter((pair) => !('both' in pair && left.has(pair.both)));
    return kept.map((pair) => ({
      files: ['A', 'B'].map((side) => join(side, where, fileName(pair.name, '.png'))),
      load: async () => {
        const { a, b } = await loadPair(pair);
        return [a, b];
      },
    }));
  };
  const train = tasks(layout.train, layout.test ? 'train' : '');
  const test = tasks(layout.test ?? [], 'test');
  settleFaults(faults, options);
  return intoNewFolder(out, (folder) => writeAll(folder, { train, test }, options));
}

/**
 * Writes the emoji set as side-by-side pairs (colour left, line drawing right) to OUT/train and OUT/test, with the
 * split of `--data openmoji` and a CREDITS.txt.
 * @throws PixtapeError if a group is unknown, or OUT is not empty
 */
export async function exportOpenmoji(
  out: string,
  options: MakeOptions & { width: number; height: number; groups?: string[]; onRendered?: MakeOptions['onWritten'] },
): Promise<Made> {
  await refuseFull(out);
  const { emojis, pack, train, test, description } = await loadEmojis(options);
  const tasks = (indices: number[], part: string): Task[] =>
    indices.map((i) => ({
      files: [join(part, `${emojis[i]?.hexcode}.png`)],
      load: async () => {
        const { colour, drawing } = await pack.pair(i);
        return [beside(colour, drawing)];
      },
    }));
  const size = `${options.width} x ${options.height} pixels`;
  const changes = `Changes: rendered at ${size} on white, the coloured picture and the line drawing side by side.`;
  const licence = 'These pairs may be passed on under the same licence.';
  return intoNewFolder(out, async (folder) => {
    await writeFileAtomic(join(folder, 'CREDITS.txt'), `${OPENMOJI_CREDITS}\n${description}\n${changes}\n${licence}\n`);
    return writeAll(folder, { train: tasks(train, 'train'), test: tasks(test, 'test') }, options);
  });
}

/**
 * Writes drawn facades in the layout of CMP's set: OUT/train/1.png …, OUT/test/1.png …, 512 × 256, the facade left and
 * its label map right. A fifth is for testing. `--data facades-toy` trains on 500 of seed 0.
 * @param options.format png, or jpg like the real set
 * @throws PixtapeError if OUT is not empty
 */
export function exportFacades(
  out: string,
  options: MakeOptions & { count: number; seed: number; format: 'png' | 'jpg' },
): Promise<Made> {
  const { count, seed, format } = options;
  const training = count - Math.round(count * TEST_SHARE);
  const tasks = (first: number, until: number, part: string): Task[] =>
    Array.from({ length: until - first }, (_, i) => ({
      files: [join(part, `${i + 1}.${format}`)],
      load: async () => {
        const { picture, labels } = drawFacade(seed, first + i);
        return [beside(picture, labels)];
      },
    }));
  const parts = { train: tasks(0, training, 'train'), test: tasks(training, count, 'test') };
  return intoNewFolder(out, (folder) => writeAll(folder, parts, options, (picture) => encodeAs(`.${format}`, picture)));
}
