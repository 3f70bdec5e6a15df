import { unzipSync } from 'fflate';
import { PixtapeError } from '../../../engine/util/errors.ts';
import type { OpenedData, PairData } from '../../../pix2pix/data/sets/dataset.ts';
import { openPairs } from '../../../pix2pix/data/sources/open_pairs.ts';
import type { DrawSvg, Source } from '../types.ts';
import { openEmojiSet } from './emoji_set.ts';
import { DroppedTree, isPicture } from './file_tree.ts';
import { browserHost } from './pictures.ts';

/** Opens the pairs of a source at a size. @throws PixtapeError saying what is wrong with it. */
export async function openSource(
  source: Source,
  data: PairData,
  { width, height, seed }: { width: number; height: number; seed: number },
  warn: (line: string) => void,
  drawSvg: DrawSvg,
): Promise<OpenedData> {
  if (source.kind === 'openmoji') return openEmojiSet(data, width, height, warn);
  const tree = source.kind === 'zip' ? await unzip(source.file) : new DroppedTree(named(source.files));
  const options = { ...data, data: 'folder', dataroot: tree.root, width, height, seed, warn } as const;
  return openPairs(options, browserHost(tree, drawSvg));
}

const named = (files: readonly { path: string; file: File }[]) => new Map(files.map(({ path, file }) => [path, file]));

async function unzip(file: File): Promise<DroppedTree> {
  let entries: Record<string, Uint8Array<ArrayBuffer>>;
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    entries = unzipSync(bytes, { filter: ({ name }) => isPicture(name) }) as typeof entries;
  } catch (cause) {
    throw new PixtapeError(
      `${file.name} is no zip archive, or a damaged one (${(cause as Error).message})`,
      'Pack it again, or drop the folder itself.',
    );
  }
  return new DroppedTree(new Map(Object.entries(entries).map(([path, bytes]) => [path, new Blob([bytes])])));
}
