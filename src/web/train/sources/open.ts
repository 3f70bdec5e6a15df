import type { OpenedData, PairData } from '../../../pix2pix/data/sets/dataset.ts';
import { openPairs } from '../../../pix2pix/data/sources/open_pairs.ts';
import type { DrawSvg, Source } from '../types.ts';
import { openEmojiSet } from './emoji_set.ts';
import { DroppedTree } from './file_tree.ts';
import { browserHost } from './pictures.ts';
import { unzip } from './unzip.ts';

/** Opens the pairs of a source at a size. @throws PixtapeError saying what is wrong with it */
export async function openSource(
  source: Source,
  data: PairData,
  { width, height, seed }: { width: number; height: number; seed: number },
  warn: (line: string) => void,
  drawSvg: DrawSvg,
): Promise<OpenedData> {
  if (source.kind === 'openmoji') return openEmojiSet(data, width, height, warn);
  const tree = source.kind === 'zip' ? await fromZip(source.file) : new DroppedTree(named(source.files));
  const options = { ...data, data: 'folder', dataroot: tree.root, width, height, seed, warn } as const;
  return openPairs(options, browserHost(tree, drawSvg));
}

const named = (files: readonly { path: string; file: File }[]) => new Map(files.map(({ path, file }) => [path, file]));

async function fromZip(file: File): Promise<DroppedTree> {
  const pictures = unzip(new Uint8Array(await file.arrayBuffer()), file.name);
  return new DroppedTree(new Map([...pictures].map(([path, bytes]) => [path, new Blob([bytes])])));
}
