import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PNG } from 'pngjs';
import { distIsStale } from '../../scripts/setup.mjs';

const root = resolve(import.meta.dirname, '..', '..');

/** Brings dist/ up to date, so that a test file can be run by itself. Of many files in a run the first builds, if any. */
export function build(): void {
  if (!distIsStale()) return;
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed: ${stderr}`);
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  done: Promise<Finished>;
}

/** Starts `pixtape ARGS` in a process of its own. */
export function start(args: readonly string[], cwd: string): Running {
  const child = spawn(process.execPath, [join(root, 'dist', 'pixtape.js'), ...args], { cwd, stdio: 'pipe' });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    out.stdout += text;
  });
  child.stderr.on('data', (text) => {
    out.stderr += text;
  });
  const done = new Promise<Finished>((finish, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => finish({ code, signal, ...out }));
  });
  return { child, done };
}

export function pixtape(args: readonly string[], cwd: string): Promise<Finished> {
  return start(args, cwd).done;
}

/** Waits until `is` returns something, and returns that. */
export async function until<T>(is: () => T | undefined | false, seconds = 200): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const value = is();
    if (value) return value;
    await new Promise((next) => setTimeout(next, 20));
  }
  throw new Error('waited in vain');
}

/** The lines of a file, or none if it does not exist yet. */
export function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** A PNG file of one grey-to-colour ramp, different for each seed. */
export function writePng(path: string, width: number, height: number, seed = 0): void {
  const png = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    png.data.set([(x * 9 + seed * 40) % 256, (y * 13 + seed * 90) % 256, (x * y + seed) % 256, 255], i * 4);
  }
  writeFileSync(path, PNG.sync.write(png));
}

/** A folder of side-by-side pairs, 32 × 16 pixels each. */
export function writePairs(folder: string, count: number): string {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) writePng(join(folder, `pair${i}.png`), 32, 16, i);
  return folder;
}

/** Flags for a network that trains in milliseconds. */
export const TINY = '--crop_size 16 --depth 2 --ngf 2 --ndf 2 --batch_size 2 --print_freq 1'.split(' ');
