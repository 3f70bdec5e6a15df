import { availableParallelism } from 'node:os';
import { BadFile } from './decode.ts';
import { checkHeaders, loadPair } from './folder.ts';
import { findPairs, type PairFiles } from './layout.ts';
import { mapBounded } from './parallel.ts';

export interface FolderReport {
  /** How the pairs were found. */
  description: string;
  /** Good pairs, by part. */
  train: number;
  test: number | undefined;
  /** Sizes of one side and how many good pairs have them, the most frequent first. */
  sizes: { width: number; height: number; pairs: number }[];
  /** Files that cannot be used, in order of their paths. */
  faults: BadFile[];
}

/**
 * Decodes every file of a folder in full.
 * @throws PixtapeError when there is no such folder, or no pictures in it
 */
export async function checkFolder(root: string): Promise<FolderReport> {
  const { description, train, test, faults } = await checkHeaders(await findPairs(root));
  const sizes = new Map<string, FolderReport['sizes'][number]>();
  const good = async (pairs: PairFiles[]): Promise<number> => {
    const fine = await mapBounded(pairs, availableParallelism(), async (pair) => {
      try {
        const { width, height } = (await loadPair(pair)).a;
        const size = sizes.get(`${width} ${height}`) ?? { width, height, pairs: 0 };
        sizes.set(`${width} ${height}`, size);
        size.pairs++;
        return true;
      } catch (error) {
        if (!(error instanceof BadFile)) throw error;
        faults.push(error);
        return false;
      }
    });
    return fine.filter(Boolean).length;
  };
  const counts = { train: await good(train), test: test && (await good(test)) };
  return {
    description,
    ...counts,
    sizes: [...sizes.values()].sort((a, b) => b.pairs - a.pairs || a.width - b.width || a.height - b.height),
    faults: faults.sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}
