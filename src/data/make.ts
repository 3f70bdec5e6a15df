import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { PixtapeError } from '../util/errors.ts';
import { writeFileAtomic } from '../util/files.ts';
import { BadFile } from './decode.ts';
import { OPENMOJI_CREDITS } from './emoji.ts';
import { checkHeaders, loadPair } from './folder.ts';
import { findPairs } from './layout.ts';
import { loadEmojis } from './openmoji.ts';
import { withSkipHint } from './pairs.ts';
import { mapBounded } from './parallel.ts';
import { encodePng } from './picture.ts';
import { beside, type Raster } from './raster.ts';

export interface Made {
  train: number;
  test: number;
}

export interface MakeOptions {
  skipBad: boolean;
  warn: (line: string) => void;
  onWritten?: (done: number, total: number) => void;
}

type Task = { file: string; load: () => Promise<{ a: Raster; b: Raster }> };

/**
 * Joins two folders into side-by-side pairs OUT/NAME.png, A left and B right; with train/ and test/ (or val/) below A
 * and B, into OUT/train and OUT/test. 16-bit pictures stay 16-bit.
 * @throws PixtapeError when a picture has no partner, no equal size, or cannot be decoded (left out with skipBad), or
 *     when OUT is not empty
 */
export async function combineFolders(a: string, b: string, out: string, options: MakeOptions): Promise<Made> {
  await refuseFull(out);
  const layout = await checkHeaders(await findPairs({ a, b }));
  const [first] = layout.faults;
  if (first && !options.skipBad) throw withSkipHint(first, layout.faults.length - 1);
  for (const fault of layout.faults) options.warn(`${fault.path} ${fault.reason}; left out (--skip_bad)`);
  const tasks = (pairs: typeof layout.train, folder: string): Task[] =>
    pairs.map((pair) => ({ file: join(folder, `${pair.name}.png`), load: () => loadPair(pair) }));
  const train = tasks(layout.train, layout.test ? join(out, 'train') : out);
  const test = tasks(layout.test ?? [], join(out, 'test'));
  return writeAll(train, test, options);
}

/**
 * Writes the emoji set as side-by-side pairs (colour left, line drawing right) into OUT/train and OUT/test, split as
 * `--data openmoji` splits it, with a CREDITS.txt.
 * @throws PixtapeError when a group is unknown, or OUT is not empty
 */
export async function exportOpenmoji(
  out: string,
  options: MakeOptions & { width: number; height: number; groups?: string[]; onRendered?: MakeOptions['onWritten'] },
): Promise<Made> {
  await refuseFull(out);
  const { emojis, pack, train, test, description } = await loadEmojis(options);
  const tasks = (indices: number[], part: string): Task[] =>
    indices.map((i) => ({
      file: join(out, part, `${emojis[i]?.hexcode}.png`),
      load: async () => {
        const { colour, drawing } = await pack.pair(i);
        return { a: colour, b: drawing };
      },
    }));
  const size = `${options.width} x ${options.height} pixels`;
  const changes = `Changes: rendered at ${size} on white, the coloured picture and the line drawing side by side.`;
  const licence = 'These pairs may be passed on under the same licence.';
  await writeFileAtomic(join(out, 'CREDITS.txt'), `${OPENMOJI_CREDITS}\n${description}\n${changes}\n${licence}\n`);
  return writeAll(tasks(train, 'train'), tasks(test, 'test'), options);
}

/** What is in a folder already must not be mixed with or written over. The folder need not be there. */
async function refuseFull(path: string): Promise<void> {
  const names = await readdir(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.length > 0) throw new PixtapeError(`${path} is not empty; nothing is written over`, 'Name a new folder.');
}

async function writeAll(train: Task[], test: Task[], { skipBad, warn, onWritten }: MakeOptions): Promise<Made> {
  const tasks = [...train, ...test];
  const targets = new Set(tasks.map(({ file }) => resolve(file)));
  if (targets.size < tasks.length) throw new Error('two pairs of one name');
  let done = 0;
  const written = await mapBounded(tasks, availableParallelism() + 1, async ({ file, load }) => {
    try {
      const { a, b } = await load();
      await writeFileAtomic(file, await encodePng(beside(a, b)));
      return true;
    } catch (error) {
      if (!(error instanceof BadFile)) throw error;
      if (!skipBad) throw withSkipHint(error);
      warn(`${error.path} ${error.reason}; left out (--skip_bad)`);
      return false;
    } finally {
      onWritten?.(++done, tasks.length);
    }
  });
  const count = (from: number, to: number) => written.slice(from, to).filter(Boolean).length;
  return { train: count(0, train.length), test: count(train.length, tasks.length) };
}
