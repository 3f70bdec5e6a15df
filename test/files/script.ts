import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** Bundles a script that imports from ./src, so that a separate process can run it. */
export function bundleScript(contents: string, folder: string, name: string): string {
  const outfile = join(folder, `${name}.mjs`);
  buildSync({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
  });
  return outfile;
}

/** A process that runs such a script; `first` is its first output, `all` its complete output. */
export function runScript(script: string, args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const first = new Promise<string>((resolve) => {
    child.stdout?.on('data', (text) => {
      said += text;
      if (said.includes('\n')) resolve(said.split('\n')[0] as string);
    });
  });
  const all = new Promise<string>((resolve) => child.on('close', () => resolve(said)));
  return { child, first, all };
}
