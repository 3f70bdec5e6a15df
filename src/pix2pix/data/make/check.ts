import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { findPairs, type PairFiles } from '../files/layout.ts';
import { BadFile, inspect } from '../image/decode.ts';
import { labelColours, unusedBits } from '../sets/traits.ts';
import { checkHeaders, loadPair } from '../sources/folder.ts';
import { mapBounded } from '../split/parallel.ts';
import { findOddities, isGrey, type Oddity, type PairFacts } from './anomalies.ts';

export interface FolderReport {
  /** How the pairs were found. */
  description: string;
  /** Good pairs, by part. */
  train: number;
  test: number | undefined;
  /** Sizes of one side with the number of good pairs, most frequent first. */
  sizes: { width: number; height: number; pairs: number }[];
  /** Files that cannot be used, in order of their paths. */
  faults: BadFile[];
  /** Anomalies of files that can be used. */
  oddities: Oddity[];
}

/**
 * Decodes every file of a folder in full.
 * @throws PixtapeError if there is no such folder, or no picture in it
 */
export async function checkFolder(root: string): Promise<FolderReport> {
  const { description, train, test, faults } = await checkHeaders(await findPairs(root));
  const sizes = new Map<string, FolderReport['sizes'][number]>();
  const facts: PairFacts[] = [];
  const good = async (pairs: PairFiles[], part: PairFacts['part']): Promise<number> => {
    const fine = await mapBounded(pairs, availableParallelism(), async (pair) => {
      try {
        const found = await look(pair, part);
        const { width, height } = found;
        const size = sizes.get(`${width} ${height}`) ?? { width, height, pairs: 0 };
        sizes.set(`${width} ${height}`, size);
        size.pairs++;
        return found;
      } catch (error) {
        if (!(error instanceof BadFile)) throw error;
        faults.push(error);
        return undefined;
      }
    });
    const usable = fine.filter((found) => found !== undefined);
    facts.push(...usable);
    return usable.length;
  };
  const counts = { train: await good(train, 'train'), test: test && (await good(test, 'test')) };
  return {
    description,
    ...counts,
    sizes: [...sizes.values()].sort((a, b) => b.pairs - a.pairs || a.width - b.width || a.height - b.height),
    faults: faults.sort((a, b) => (a.path < b.path ? -1 : 1)),
    oddities: findOddities(facts),
  };
}

async function look(pair: PairFiles, part: PairFacts['part']): Promise<PairFacts> {
  const { a, b } = await loadPair(pair);
  const paths = 'both' in pair ? [pair.both] : [pair.a, pair.b];
  const files = paths.map(async (path) => {
    const { wide, alpha, more } = await inspect(path);
    const digest = createHash('sha256').update(await readFile(path));
    return { path, digest: digest.digest('hex'), wide, alpha, more };
  });
  const { width, height } = a;
  return {
    name: pair.name,
    part,
    files: await Promise.all(files),
    width,
    height,
    grey: { a: isGrey(a), b: isGrey(b) },
    labels: { a: labelColours(a) > 0, b: labelColours(b) > 0 },
    below: unusedBits(a) ?? unusedBits(b),
  };
}
