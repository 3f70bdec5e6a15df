import { PixtapeError } from '../../../engine/util/errors.ts';
import type { DecodeOptions } from '../decoders/bands.ts';
import { type FileTree, findPairsIn, type Layout, type PairFiles } from '../files/find_pairs.ts';
import { BadFile, CHECK_PAIRS, withSkipHint } from '../files/formats.ts';
import { cut, type Raster } from '../image/raster.ts';
import { resize } from '../image/resize.ts';
import type { DataOptions, OpenedData } from '../sets/dataset.ts';
import { Budget, PairDataset, type PairSource, type Sides } from '../sets/pairs.ts';
import { holdOutBy } from '../split/hold_out.ts';
import { mapBounded } from '../split/parallel.ts';
import { adviceOn } from './advice.ts';

/** The most pictures to hold out without a test folder, since measuring on them takes time. */
const MOST_HELD_OUT = 200;

type Size = Pick<Raster, 'width' | 'height'>;

/** Access to picture files: the disk in Node, dropped files on a page. */
export interface PictureHost {
  readonly tree: FileTree;
  /** A picture's size after applying the EXIF orientation. @throws BadFile if it is not a picture */
  inspect(path: string, options?: DecodeOptions): Promise<Size>;
  /** Decodes a picture file. @throws BadFile if it cannot */
  decode(path: string, options?: DecodeOptions): Promise<Raster>;
  /** For each text, a number in [0, 1) that depends only on it: `fractionOfDigest` of its SHA-256. */
  fractions(texts: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** How many files to read at a time. */
  readonly parallel: number;
  /** Bytes for decoded pictures. */
  readonly room: number;
  /** Whether to examine some pairs first, and to warn of likely mistakes. */
  readonly advises?: boolean;
}

/** Opens a folder of pairs; see `findPairsIn` for the layouts. @throws PixtapeError naming what is wrong */
export async function openPairs(options: DataOptions, host: PictureHost): Promise<OpenedData> {
  const { dataroot, skipBad, warn, maxDatasetSize, width, height, flip, jitter } = options;
  if (dataroot === undefined) throw new PixtapeError('no folder of pictures was named', 'Name it with --dataroot DIR.');
  const layout = await findPairsIn(host.tree, dataroot);
  const wanted = wantedOf(options);
  const { train, test, faults } = await checkHeadersOf(host, layout, wanted);
  const first = faults[0];
  if (first && !skipBad) throw withSkipHint(first, faults.length - 1, CHECK_PAIRS);
  for (const fault of faults) warn(`${fault.path} ${fault.reason}; left out (--skip_bad)`);
  for (const [pairs, part] of [
    [train, 'training'],
    [test, 'test'],
  ] as const) {
    if (pairs?.length === 0) {
      const what = `${dataroot}: every ${part} file is bad (${faults.length} in all); nothing is left to use`;
      throw new PixtapeError(what, 'pixtape data check DIR lists them with the reasons.');
    }
  }
  const split = test ? { train, test, how: '' } : await splitOff(host, train, dataroot, warn);
  const used = split.train.slice(0, maxDatasetSize);
  if (host.advises) {
    for (const line of await adviceOn(used, (pair) => loadPairFrom(host, pair, wanted), options)) warn(line);
  }
  const common = { width, height, skipBad, warn, budget: new Budget(host.room) };
  const left = faults.length > 0 ? `; ${faults.length} bad left out` : '';
  return {
    train: new PairDataset(new FileSource(host, used, options), { ...common, flip, jitter }),
    test: new PairDataset(new FileSource(host, split.test, options), { ...common, flip: false, jitter: false }),
    sideBySide: layout.train.some((pair) => 'both' in pair),
    summary:
      `${used.length} pairs for training, ${split.test.length} held out${split.how}: ${dataroot}, ` +
      `${layout.description}, ${options.direction}${left}`,
  };
}

/** How to decode the files of each side. */
export interface WantedSides {
  a: DecodeOptions;
  b: DecodeOptions;
}

export function wantedOf({
  channels,
  range,
  direction,
}: Pick<DataOptions, 'channels' | 'range' | 'direction'>): WantedSides {
  const of = (count: number | undefined): DecodeOptions => ({
    ...(count === undefined ? {} : { channels: count }),
    ...(range ? { range } : {}),
  });
  const [real, condition] = [of(channels?.real), of(channels?.condition)];
  return direction === 'BtoA' ? { a: real, b: condition } : { a: condition, b: real };
}

/** Reads every file's header. Returns the usable pairs, and what is wrong with the others. */
export async function checkHeadersOf(host: PictureHost, layout: Layout, wanted?: WantedSides): Promise<Layout> {
  const faults = [...layout.faults];
  const good = async (pairs: PairFiles[]): Promise<PairFiles[]> => {
    const found = await mapBounded(pairs, host.parallel, (pair) => faultOf(host, pair, wanted));
    faults.push(...found.filter((fault) => fault !== undefined));
    return pairs.filter((_, i) => found[i] === undefined);
  };
  const train = await good(layout.train);
  const test = layout.test && (await good(layout.test));
  return { ...layout, train, test, faults };
}

async function faultOf(host: PictureHost, pair: PairFiles, wanted?: WantedSides): Promise<BadFile | undefined> {
  try {
    if ('both' in pair) checkHalves(pair.both, (await host.inspect(pair.both, wanted?.a)).width);
    else checkSame(pair, await host.inspect(pair.a, wanted?.a), await host.inspect(pair.b, wanted?.b));
    return undefined;
  } catch (error) {
    if (error instanceof BadFile) return error;
    throw error;
  }
}

function checkHalves(path: string, width: number): void {
  if (width % 2 === 0) return;
  const reason = `is ${width} pixels wide, an odd number that has no halves`;
  throw new BadFile(path, reason, 'Side-by-side pairs need an even width: crop or export it again.');
}

function checkSame({ b, a }: { a: string; b: string }, sizeA: Size, sizeB: Size): void {
  if (sizeA.width === sizeB.width && sizeA.height === sizeB.height) return;
  const size = ({ width, height }: Size) => `${width} × ${height}`;
  const reason = `is ${size(sizeB)}, but ${a} is ${size(sizeA)}`;
  throw new BadFile(b, reason, 'Both sides of a pair need the same size.');
}

/** Decodes a pair. @throws BadFile naming the bad file */
export async function loadPairFrom(
  host: PictureHost,
  pair: PairFiles,
  wanted: WantedSides = { a: {}, b: {} },
): Promise<{ a: Raster; b: Raster }> {
  if ('both' in pair) {
    const whole = await host.decode(pair.both, wanted.a);
    const same = wanted.a.channels === wanted.b.channels;
    const other = same ? whole : await host.decode(pair.both, wanted.b);
    checkHalves(pair.both, whole.width);
    const half = whole.width / 2;
    return { a: cut(whole, 0, 0, half, whole.height), b: cut(other, half, 0, half, whole.height) };
  }
  const [a, b] = await Promise.all([host.decode(pair.a, wanted.a), host.decode(pair.b, wanted.b)]);
  checkSame(pair, a, b);
  return { a, b };
}

class FileSource implements PairSource {
  readonly length: number;
  private readonly host: PictureHost;
  private readonly pairs: readonly PairFiles[];
  private readonly options: DataOptions;

  constructor(host: PictureHost, pairs: readonly PairFiles[], options: DataOptions) {
    this.length = pairs.length;
    this.host = host;
    this.pairs = pairs;
    this.options = options;
  }

  name(index: number): string {
    return this.files(index).name;
  }

  async load(index: number, width: number, height: number): Promise<Sides> {
    const { a, b } = await loadPairFrom(this.host, this.files(index), wantedOf(this.options));
    const { direction, resize: mode } = this.options;
    const [real, condition] = direction === 'BtoA' ? [a, b] : [b, a];
    return { real: resize(real, width, height, mode), condition: resize(condition, width, height, mode) };
  }

  private files(index: number): PairFiles {
    return this.pairs[index] as PairFiles;
  }
}

async function splitOff(host: PictureHost, pairs: PairFiles[], dataroot: string, warn: (line: string) => void) {
  const names = pairs.map((pair) => pair.name);
  const split = holdOutBy(names, await host.fractions(names), MOST_HELD_OUT);
  if (!split) {
    warn(`${dataroot} has only one pair: it serves for training and for testing, so nothing is held out`);
    return { train: pairs, test: pairs, how: ' (the same)' };
  }
  const take = (indices: number[]) => indices.map((i) => pairs[i] as PairFiles);
  return { train: take(split.train), test: take(split.test), how: ' by name' };
}
