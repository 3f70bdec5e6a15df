import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { asText, nodeProgram } from '../../../scripts/build/text.mjs';

export const root = resolve(import.meta.dirname, '..', '..', '..');
const page = join(import.meta.dirname, '..', 'page');

/** Stand-ins for imports of Node's tests that a page does not have: the test runner, files, an adapter. */
const stands: Record<string, string> = {
  vitest: 'vitest.ts',
  'node:url': 'url.ts',
  '../../src/files/files.ts': 'files.ts',
  './device.ts': 'device.ts',
  '../device.ts': 'device.ts',
  '../../device.ts': 'device.ts',
};
const standIns: Plugin = {
  name: 'stand-ins',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ path, importer }) => {
      const name = stands[path];
      const fromTest = importer.startsWith(join(root, 'test')) && !importer.startsWith(page);
      return name && (fromTest || path === 'vitest') ? { path: join(page, name) } : undefined;
    });
  },
};

/** Bundles a file of test/web for a page. */
export async function bundleForPage(source: string, outfile: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [join('test', 'web', source)],
    outfile,
    bundle: true,
    platform: 'browser',
    target: 'es2023',
    format: 'esm',
    // A few problems per operation; the runs in Node take many.
    define: { 'process.env.OP_RUNS': '"3"', 'process.env.OP_SEED': '"7"', 'process.env.PIXTAPE_TESTS': '"all"' },
    loader: asText,
    plugins: [standIns],
    logLevel: 'error',
  });
}

/**
 * Runs a file of this folder in Node, on SwiftShader, bundled as the project's own commands are. A process of its own,
 * because a process keeps the driver that it opened first.
 * @returns the lines that it prints
 */
export async function runInNode(source: string, args: readonly string[]): Promise<string[]> {
  // Inside the project, so that it finds its packages.
  mkdirSync(join(root, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(root, 'dist', 'test-web-'));
  try {
    const program = join(folder, 'program.js');
    await build({
      ...nodeProgram,
      entryPoints: [join('test', 'web', 'helpers', source)],
      outfile: program,
    });
    const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], {
      encoding: 'utf8',
      env: { ...process.env, PIXTAPE_ADAPTER: 'swiftshader', NODE_OPTIONS: '' },
    });
    if (status !== 0) throw new Error(`${source} ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout.trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
