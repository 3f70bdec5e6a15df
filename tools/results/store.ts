import { existsSync, readFileSync } from 'node:fs';
import { writeFileAtomic } from '../../src/files/files.ts';
import type { Measure } from './tables.ts';

/** The machine and versions of a run. */
export interface Circumstances {
  date: string;
  cpu: string;
  cores: number;
  memory: string;
  adapter: string;
  node: string;
  commit: string;
  /** Load average over the minute before it began, and over the minute before it ended. */
  load: [before: number, after: number];
}

/** A training run and its measurements. */
export interface Result extends Circumstances {
  /** The commands without folder names. They identify the run. */
  train: string;
  evaluate: string;
  seed: number;
  /** Who trained it; we did, unless it says otherwise. */
  engine?: 'pytorch';
  /** Wall time of each command, including its start. */
  seconds: { train: number; evaluate: number };
  steps: number;
  scores: Partial<Record<Measure, number>>;
  /** The same measures of the real held-out pictures, if meaningful. */
  real: Partial<Record<Measure, number>>;
  /** How the segmentation network was trained. */
  fcn?: { parameters: number; steps: number; loss: number; adapter: string };
}

/** What a result is found by. */
export type Wanted = Pick<Result, 'train' | 'evaluate' | 'engine'>;

/**
 * The results of all runs in one file, which is replaced atomically after each run. If there are two of the same run, the
 * later counts.
 */
export class Store {
  readonly path: string;
  results: readonly Result[];

  /** @throws Error if the file is no list of results */
  constructor(path: string) {
    this.path = path;
    this.results = this.read();
  }

  private read(): Result[] {
    const all: Result[] = existsSync(this.path) ? JSON.parse(readFileSync(this.path, 'utf8')) : [];
    if (!Array.isArray(all)) throw new Error(`${this.path} is no list of results`);
    return all.filter((result, i) => !all.slice(i + 1).some((later) => isOf(result, later, later.seed)));
  }

  find(wanted: Wanted & Pick<Result, 'seed'>): Result | undefined {
    return this.results.find((result) => isOf(result, wanted, wanted.seed));
  }

  /** The results of all seeds. */
  all(wanted: Wanted): Result[] {
    return this.results.filter((result) => isOf(result, wanted));
  }

  async add(result: Result): Promise<void> {
    // Another process may have added some meanwhile.
    this.results = [...this.read(), result];
    await writeFileAtomic(this.path, `${JSON.stringify(this.results, null, 1)}\n`);
  }
}

function isOf(result: Result, { train, evaluate, engine }: Wanted, seed = result.seed): boolean {
  return result.train === train && result.evaluate === evaluate && result.engine === engine && result.seed === seed;
}
