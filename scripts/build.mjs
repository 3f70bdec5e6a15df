/**
 * Bundles src/ into dist/: the command (pixtape.js), the library (index.js) and the reference runner (reference.js).
 * Packages stay outside the bundles; shaders, style sheets and `?raw` imports go in as text.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** `import text from './file?raw'`: the file's text, as Vite (and so vitest) reads it. */
const rawText = {
  name: 'raw-text',
  setup(build) {
    build.onResolve({ filter: /\?raw$/ }, async ({ path, importer, resolveDir, kind, namespace }) => {
      // `packages: external` would stop at a package's name: a path inside a package is looked up from the importer.
      const wanted = path.slice(0, -'?raw'.length);
      const local = wanted.startsWith('.')
        ? { path: resolve(resolveDir, wanted) }
        : { path: fileInPackage(wanted, resolveDir) };
      if (!local.path || !existsSync(local.path)) {
        return { errors: [{ text: `no file for "${path}"`, detail: { importer, kind, namespace } }] };
      }
      return { path: local.path, namespace: 'raw-text', watchFiles: [local.path] };
    });
    build.onLoad({ filter: /.*/, namespace: 'raw-text' }, async ({ path }) => ({
      contents: await readFile(path, 'utf8'),
      loader: 'text',
    }));
  },
};

function fileInPackage(path, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', path);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

const entries = [
  { source: 'src/cli/main.ts', target: 'dist/pixtape.js', command: true },
  { source: 'src/cli/reference.ts', target: 'dist/reference.js', command: true },
  { source: 'src/index.ts', target: 'dist/index.js', command: false },
];

/** Builds what there is a source for. Each file is put in place by a rename, so that a running command never reads half of one. */
export async function build() {
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (const { source, target, command } of entries) {
    if (!existsSync(join(root, source))) continue;
    const result = await bundle({
      absWorkingDir: root,
      entryPoints: [source],
      outfile: target,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      packages: 'external',
      loader: { '.wgsl': 'text', '.css': 'text' },
      banner: command ? { js: '#!/usr/bin/env node' } : undefined,
      plugins: [rawText],
      write: false,
      logLevel: 'warning',
    });
    for (const { path, contents } of result.outputFiles) {
      const partial = `${path}.${process.pid}.tmp`;
      writeFileSync(partial, contents);
      if (command) chmodSync(partial, 0o755);
      renameSync(partial, path);
    }
  }
}

/** The library's type declarations, in dist/types; only a published package needs them. */
function buildTypes() {
  const config = join(root, 'dist', 'tsconfig.types.json');
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: 'types',
    rootDir: '../src',
  };
  const files = ['../src/index.ts', '../src/wgsl.d.ts'];
  writeFileSync(config, JSON.stringify({ extends: '../tsconfig.json', compilerOptions, include: [], files }));
  try {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { status } = spawnSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  } finally {
    rmSync(config);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await build();
  if (process.argv.includes('--types')) buildTypes();
}
