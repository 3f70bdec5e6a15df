import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConvKey } from '../../../engine/ops/conv/tuning/key.ts';
import { convSources } from '../../../engine/ops/conv/tuning/registry.ts';
import { cacheDirectory } from '../../../files/cache.ts';
import { writeFileAtomic } from '../../../files/files.ts';
import type { BenchmarkResult } from './benchmark.ts';

/** Measurements of convolutions, by `convKey`. */
export type Measurements = ReadonlyMap<string, BenchmarkResult>;

const FORMAT = 'pixtape-tuning';

/**
 * A cache of measurements: one file per adapter with driver, engine version and text of the shaders. A change of any of
 * them starts a new file, so that stale measurements are never used.
 */
export class TuningCache {
  readonly path: string;
  private readonly identity: { adapter: string; version: string; shaders: string };

  /**
   * @param adapter the device's description, which includes the driver
   * @param version of the engine
   */
  constructor(adapter: string, version: string, folder = join(cacheDirectory(), 'tuning')) {
    const shaders = hash(convSources.join('\0'));
    this.identity = { adapter, version, shaders };
    this.path = join(folder, `${hash(JSON.stringify(this.identity)).slice(0, 16)}.json`);
  }

  /** Reads the measurements. A damaged file counts as empty, after a call of `warn`. */
  async read(warn: (line: string) => void): Promise<Measurements> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') warn(`measurements of kernels cannot be read: ${message}`);
      return new Map();
    }
    try {
      return this.parse(text);
    } catch (error) {
      const why = (error as Error).message;
      warn(`${this.path} is damaged (${why}): its measurements of kernels are not used, the next ones replace it`);
      return new Map();
    }
  }

  /** Adds measurements to the file, and replaces those of the same convolutions. */
  async add(measured: Measurements): Promise<void> {
    const all = Object.fromEntries([...(await this.read(() => {})), ...measured]);
    const file = { format: FORMAT, ...this.identity, measured: all };
    await writeFileAtomic(this.path, `${JSON.stringify(file, null, 1)}\n`);
  }

  private parse(text: string): Measurements {
    const file = JSON.parse(text) as Record<string, unknown> | null;
    for (const [name, value] of Object.entries({ format: FORMAT, ...this.identity })) {
      if (file?.[name] !== value) throw new Error(`${name} is ${JSON.stringify(file?.[name])}`);
    }
    const measured = Object.entries((file as { measured?: Record<string, unknown> }).measured ?? {});
    for (const [key, result] of measured) {
      if (!parseConvKey(key) || !isResult(result)) throw new Error(`"${key}" has ${JSON.stringify(result)}`);
    }
    return new Map(measured as [string, BenchmarkResult][]);
  }
}

function isResult(value: unknown): value is BenchmarkResult {
  const { chosen, entries } = (value ?? {}) as Partial<BenchmarkResult>;
  if (typeof chosen !== 'string' || !Array.isArray(entries) || entries.length === 0) return false;
  return entries.every(({ choice, ms, excluded: left }) => {
    return typeof choice === 'string' && ['number', 'undefined'].includes(typeof ms) && isText(left);
  });
}

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The choices alone, for `ConvTuning.table`. */
export function choicesOf(measured: Measurements): ReadonlyMap<string, string> {
  return new Map([...measured].map(([key, { chosen }]) => [key, chosen]));
}
