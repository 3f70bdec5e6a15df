import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..', '..');

/** The package as a user installs it: packed, and installed into an empty project outside the clone. */
export class Installed {
  readonly folder: string;
  /** The archive of `npm pack`, in bytes, and the installed package. */
  readonly packed: number;
  readonly unpacked: number;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'pixtape-installed-'));
    const archives = join(this.folder, 'archives');
    mkdirSync(archives);
    npm(['pack', '--pack-destination', archives], root);
    const archive = join(archives, readdirSync(archives)[0] as string);
    this.packed = statSync(archive).size;
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ name: 'stranger', type: 'module' }));
    this.install(archive);
    this.unpacked = sizeOf(join(this.folder, 'node_modules', 'pixtape'));
  }

  install(...packages: string[]): void {
    npm(['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], this.folder);
  }

  /** `npx pixtape ARGS`. */
  pixtape(...args: string[]): SpawnSyncReturns<string> {
    return this.run(this.program('pixtape'), args);
  }

  node(...args: string[]): SpawnSyncReturns<string> {
    return this.run(process.execPath, args);
  }

  /** The folder in which npx finds commands. */
  program(name: string): string {
    return join(this.folder, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** The dependencies: names with versions, and bytes of all. */
  dependencies(): { names: string[]; bytes: number } {
    const lock = JSON.parse(readFileSync(join(this.folder, 'node_modules', '.package-lock.json'), 'utf8'));
    const all = Object.entries(lock.packages as Record<string, { version: string }>);
    const names = all.map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`);
    return {
      names: names.filter((name) => !name.startsWith('pixtape@')),
      bytes: sizeOf(join(this.folder, 'node_modules')) - this.unpacked,
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private run(program: string, args: readonly string[]): SpawnSyncReturns<string> {
    const shell = process.platform === 'win32';
    return spawnSync(program, args, { cwd: this.folder, encoding: 'utf8', shell, env: cleanEnvironment() });
  }
}

function npm(args: readonly string[], cwd: string): void {
  const shell = process.platform === 'win32';
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', shell, env: cleanEnvironment() });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
}

/**
 * The environment without the variables of an npm script around this test, which name the clone. npm's own
 * configuration stays.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(npm_(package|lifecycle)_|npm_command$|INIT_CWD$|NODE_OPTIONS$|VITEST)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true })
    .map((name) => statSync(join(path, String(name)), { throwIfNoEntry: false }))
    .reduce((sum, stat) => sum + (stat?.isFile() ? stat.size : 0), 0);
}
