import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { writeFileAtomic } from '../../../files/files.ts';
import { BadFile, CHECK_PAIRS, withSkipHint } from '../files/formats.ts';
import { encodePng } from '../image/picture.ts';
import type { Raster } from '../image/raster.ts';
import { mapBounded } from '../split/parallel.ts';
import { holdOut } from '../split/split.ts';

/** Numbers of pictures written. */
export interface Made {
  train: number;
  test: number;
}

export interface MakeOptions {
  /** Skip bad files, each with a warning, instead of stopping at the first. */
  skipBad: boolean;
  warn: (line: string) => void;
  onWritten?: (done: number, total: number) => void;
}

/** Pictures that are made together: their paths in the new folder, and the function that makes them. */
export interface Task {
  files: string[];
  /** @throws BadFile if a source picture cannot be used */
  load: () => Promise<Raster[]>;
}

/** Writes all pictures. @throws PixtapeError naming the first bad file, unless those are skipped, or if none is left */
export async function writeAll(
  folder: string,
  { train, test }: { train: Task[]; test: Task[] },
  { skipBad, warn, onWritten }: MakeOptions,
  encode: (picture: Raster) => Promise<Uint8Array> = encodePng,
): Promise<Made> {
  const tasks = [...train, ...test];
  if (new Set(tasks.flatMap(({ files }) => files)).size < tasks.reduce((sum, { files }) => sum + files.length, 0)) {
    throw new Error('two pictures of one name');
  }
  let done = 0;
  const written = await mapBounded(tasks, availableParallelism() + 1, async ({ files, load }) => {
    try {
      const pictures = await load();
      for (const [i, file] of files.entries()) {
        await writeFileAtomic(join(folder, file), await encode(pictures[i] as Raster));
      }
      return true;
    } catch (error) {
      if (!(error instanceof BadFile)) throw error;
      if (!skipBad) throw withSkipHint(error, 0, CHECK_PAIRS);
      warn(`${error.path} ${error.reason}; left out (--skip_bad)`);
      return false;
    } finally {
      onWritten?.(++done, tasks.length);
    }
  });
  const count = (from: number, to: number) => written.slice(from, to).filter(Boolean).length;
  const made = { train: count(0, train.length), test: count(train.length, tasks.length) };
  if (made.train === 0) throw new PixtapeError('no picture for training could be used', 'The warnings say why.');
  return made;
}

/** @throws PixtapeError for the first file that cannot be used; with skipBad, warns about each instead */
export function settleFaults(faults: readonly BadFile[], { skipBad, warn }: MakeOptions): void {
  const [first] = faults;
  if (first && !skipBad) throw withSkipHint(first, faults.length - 1, CHECK_PAIRS);
  for (const fault of faults) warn(`${fault.path} ${fault.reason}; left out (--skip_bad)`);
}

/** Files whose names would collide with an earlier one. Some systems ignore case. */
export function sameNames(files: readonly { name: string; path: string }[]): BadFile[] {
  const first = new Map<string, string>();
  return files.flatMap(({ name, path }) => {
    const before = first.get(name.toLowerCase());
    if (before === undefined) first.set(name.toLowerCase(), path);
    return before === undefined
      ? []
      : [new BadFile(path, `has the same name as ${before}`, 'Rename or remove one of them.')];
  });
}

/** Splits by the names' hashes, as `train` does. Without a share, all are for training. */
export function divide<T extends { name: string }>(items: readonly T[], share: number | undefined) {
  const split =
    share === undefined
      ? undefined
      : holdOut(
          items.map(({ name }) => name),
          undefined,
          share,
        );
  if (!split) return { train: [...items], test: undefined };
  const take = (indices: readonly number[]) => indices.map((i) => items[i] as T);
  return { train: take(split.train), test: take(split.test) };
}
