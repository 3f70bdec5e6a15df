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
  /** Wall time of each command, including its start. */
  seconds: { train: number; evaluate: number };
  steps: number;
  scores: Partial<Record<Measure, number>>;
  /** The same measures of the real held-out pictures, if meaningful. */
  real: Partial<Record<Measure, number>>;
  /** How the segmentation network was trained. */
  fcn?: { parameters: number; steps: number; loss: number; adapter: string };
}

/** The results of all runs in one file, which is replaced atomically after each run. */
export class Store {
  readonly path: string;
  readonly results: Result[];

  /** @throws Error if the file is no list of results */
  constructor(path: string) {
    this.path = path;
    this.results = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [];
    if (!Array.isArray(this.results)) throw new Error(`${path} is no list of results`);
  }

  find(wanted: Pick<Result, 'train' | 'evaluate' | 'seed'>): Result | undefined {
    return this.results.find(
      ({ train, evaluate, seed }) => train === wanted.train && evaluate === wanted.evaluate && seed === wanted.seed,
    );
  }

  /** The results of all seeds. */
  all(wanted: Pick<Result, 'train' | 'evaluate'>): Result[] {
    return this.results.filter(({ train, evaluate }) => train === wanted.train && evaluate === wanted.evaluate);
  }

  async add(result: Result): Promise<void> {
    this.results.push(result);
    await writeFileAtomic(this.path, `${JSON.stringify(this.results, null, 1)}\n`);
  }
}
