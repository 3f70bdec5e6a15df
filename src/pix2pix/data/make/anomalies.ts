import { CHANNELS, type Raster } from '../image/raster.ts';

/** Properties of a usable pair that `check` examines. */
export interface PairFacts {
  name: string;
  files: { path: string; wide: boolean; alpha: boolean; more: boolean; digest: string }[];
  part: 'train' | 'test';
  /** Size of one side. */
  width: number;
  height: number;
  /** Whether the sides have no colour. */
  grey: { a: boolean; b: boolean };
  /** Whether they look like label maps. */
  labels: { a: boolean; b: boolean };
  /** A power of two above all 16-bit values, if they use much less than the full range. */
  below: number | undefined;
}

/** Something unusual, but not wrong. Without a path it holds for all pairs. */
export interface Oddity {
  path?: string;
  reason: string;
}

/** Smaller pictures are mostly stray thumbnails. */
const TINY = 32;
/** Largest channel difference of grey pictures, of 255: JPEG tints them slightly. */
const COLOURLESS = 6;

/** Lists anomalies of single files, or of all of them, in order of paths. */
export function findOddities(pairs: readonly PairFacts[]): Oddity[] {
  const files = pairs.flatMap((pair) => pair.files.map((file) => ({ ...file, pair })));
  const size = ({ width, height }: PairFacts) => `${width} × ${height} a side`;
  const usual = mostFrequent(pairs.map(size));
  const coloured = (side: 'a' | 'b') => pairs.filter(({ grey }) => !grey[side]).length > pairs.length / 2;
  const colours = { a: coloured('a'), b: coloured('b') };
  const halves = (['a', 'b'] as const).map((side) => (pair: PairFacts) => {
    if (!colours[side] || !pair.grey[side]) return [];
    const path = side === 'b' ? (pair.files[1]?.path ?? first(pair)) : first(pair);
    const half = pair.files.length > 1 ? 'is grey' : `has a grey ${side === 'a' ? 'left' : 'right'} half`;
    return [{ path, reason: `${half} where most others have colour` }];
  });
  const small = ({ width, height }: PairFacts) => Math.min(width, height) < TINY;
  const oblong = ({ width, height }: PairFacts) => width !== height;
  const unusual = (pair: PairFacts) => usual !== undefined && size(pair) !== usual;
  const oddities: Oddity[] = [
    ...together(
      files,
      ({ alpha }) => alpha,
      () => 'has an alpha channel: white shows through',
    ),
    ...together(
      files,
      ({ wide }) => wide,
      () => 'has 16 bits a channel',
    ),
    ...together(
      files,
      ({ more }) => more,
      () => 'has several pages or frames: the first is read',
    ),
    ...together(pairs, small, (pair) => `is tiny: ${size(pair)}`),
    ...together(pairs, oblong, (pair) => `is not square: ${size(pair)}; a square --crop_size stretches it`),
    ...together(pairs, unusual, (pair) => `is ${size(pair)}, most are ${usual}`),
    ...halves.flatMap((look) => pairs.flatMap(look)),
    ...labelMaps(pairs),
    ...together(
      pairs,
      ({ below }) => below !== undefined,
      ({ below = 0 }) =>
        `has 16 bits but values below ${below} only, nearly black: --range 0,${below - 1} spreads them`,
    ),
    ...twins(files),
    ...namesakes(pairs),
  ];
  return oddities.sort((x, y) => ((x.path ?? '') < (y.path ?? '') ? -1 : 1));
}

const first = ({ files: [file] }: PairFacts): string => (file as PairFacts['files'][number]).path;

/** A side on which most pictures are label maps. */
function labelMaps(pairs: readonly PairFacts[]): Oddity[] {
  return (['a', 'b'] as const).flatMap((side) => {
    if (pairs.filter(({ labels }) => labels[side]).length * 2 <= pairs.length) return [];
    const reason = `side ${side.toUpperCase()} looks like label maps: train with --resize nearest, because bilinear blends them`;
    return [{ reason }];
  });
}

/** One line if it is true of all files, otherwise one per file. */
function together<T extends PairFacts | { path: string }>(
  items: readonly T[],
  is: (item: T) => boolean,
  reason: (item: T) => string,
): Oddity[] {
  const odd = items.filter(is);
  const reasons = new Set(odd.map(reason));
  const [only] = reasons;
  if (only !== undefined && reasons.size === 1 && odd.length === items.length && odd.length > 1) {
    return [{ reason: `every picture ${only}` }];
  }
  return odd.map((item) => ({ path: 'path' in item ? item.path : first(item), reason: reason(item) }));
}

/** Duplicate files. A duplicate across the parts leaks training data into the test set. */
function twins(files: readonly (PairFacts['files'][number] & { pair: PairFacts })[]) {
  const seen = new Map<string, (typeof files)[number]>();
  return files.flatMap((file) => {
    const before = seen.get(file.digest);
    if (!before) seen.set(file.digest, file);
    if (!before || before.pair === file.pair) return [];
    const leak = before.pair.part !== file.pair.part ? ', which training sees' : '';
    return [{ path: file.path, reason: `is the same file as ${before.path}${leak}` }];
  });
}

/** Pairs of one part with one name, in files of different formats. */
function namesakes(pairs: readonly PairFacts[]) {
  const seen = new Map<string, PairFacts>();
  return pairs.flatMap((pair) => {
    const key = `${pair.part}/${pair.name.toLowerCase()}`;
    const before = seen.get(key);
    if (!before) seen.set(key, pair);
    return before ? [{ path: first(pair), reason: `has the same name as ${first(before)}` }] : [];
  });
}

/** The majority value; undefined if no value is that of more than half. */
function mostFrequent(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].find(([, count]) => count > values.length / 2)?.[0];
}

export function isGrey({ width, height, data }: Raster): boolean {
  const size = width * height;
  const most = COLOURLESS * (data instanceof Uint16Array ? 257 : data instanceof Uint8Array ? 1 : 1 / 255);
  for (let i = 0; i < size; i++) {
    const red = data[i] as number;
    for (let c = 1; c < CHANNELS; c++) if (Math.abs((data[c * size + i] as number) - red) > most) return false;
  }
  return true;
}
