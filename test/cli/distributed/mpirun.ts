import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Runs ranks of the built program on this machine, over MPI's loopback. */

export const program = resolve(import.meta.dirname, '..', '..', '..', 'dist', 'pixtape.js');
export const hasMpi = spawnSync('mpirun', ['--version']).status === 0;
export const TINY = '--crop_size 16 --depth 2 --ngf 2 --ndf 2 --print_freq 1'.split(' ');

/** What Open MPI's mpirun needs on a test machine with fewer cores than ranks, and as root. */
const openMpi = /open/i.test(spawnSync('mpirun', ['--version'], { encoding: 'utf8' }).stdout ?? '');
const root = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
export const MPIRUN: readonly string[] = openMpi ? [...root, '--oversubscribe', '--bind-to', 'none'] : [];

/** How one rank is started. */
export interface RankStart {
  args: readonly string[];
  /** A module that the rank loads before the program. */
  preload?: string;
}

export interface Ranks {
  child: ChildProcess;
  /** Standard output and standard error together. */
  output: () => string;
  done: Promise<number | null>;
}

/** Starts `pixtape train`, a rank for each element. */
export function startRanks(folder: string, ranks: readonly RankStart[]): Ranks {
  const contexts = ranks.flatMap(({ args, preload }, i) => [
    ...(i === 0 ? [] : [':']),
    ...['-n', '1', process.execPath, ...(preload ? ['--import', preload] : []), program, 'train', ...TINY, ...args],
  ]);
  const child = spawn('mpirun', [...MPIRUN, ...contexts], { cwd: folder });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text;
    });
  }
  const done = new Promise<number | null>((ended) => child.on('close', ended));
  return { child, output: () => output, done };
}
