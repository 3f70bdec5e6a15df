import { availableParallelism } from 'node:os';
import type { Layout, PairFiles } from '../files/find_pairs.ts';
import { disk } from '../files/layout.ts';
import { decode, inspect } from '../image/decode.ts';
import type { Raster } from '../image/raster.ts';
import type { DataOptions, OpenedData } from '../sets/dataset.ts';
import { roomForPictures } from '../split/cache_budget.ts';
import { fractionOf } from '../split/split.ts';
import { checkHeadersOf, loadPairFrom, openPairs, type PictureHost, type WantedSides } from './open_pairs.ts';

const host: PictureHost = {
  tree: disk,
  inspect,
  decode,
  fractions: async (texts) => new Map(texts.map((text) => [text, fractionOf(text)])),
  parallel: 2 * availableParallelism(),
  room: roomForPictures(),
  advises: true,
};

/** Opens the user's folder; see `findPairsIn` for the layouts. @throws PixtapeError naming what is wrong */
export function openFolder(options: DataOptions): Promise<OpenedData> {
  return openPairs(options, host);
}

/** Reads every file's header. Returns the usable pairs, and what is wrong with the others. */
export function checkHeaders(layout: Layout, wanted?: WantedSides): Promise<Layout> {
  return checkHeadersOf(host, layout, wanted);
}

/** Decodes a pair. @throws BadFile naming the bad file */
export function loadPair(pair: PairFiles, wanted?: WantedSides): Promise<{ a: Raster; b: Raster }> {
  return loadPairFrom(host, pair, wanted);
}
