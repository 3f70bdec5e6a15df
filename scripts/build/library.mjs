/**
 * Builds the library as ES modules: one file for each source file, in the same folders (src/ becomes dist/lib/,
 * shaders/ dist/shaders/). A shader becomes a module that exports its text. A page's bundler then takes only what the
 * page imports, and drops the other operations with their shaders.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { build as bundle } from 'esbuild';
import { asText, pureConstants, put, rawText, root } from './text.mjs';

/** The modules that package.json exports. */
const entries = ['src/index.ts', 'src/node.ts', 'src/engine/index.ts'];

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'es2023',
  format: 'esm',
  packages: 'external',
  loader: asText,
  write: false,
  logLevel: 'warning',
};

export async function buildLibrary() {
  const modules = await reachedModules();
  const { outputFiles } = await bundle({
    ...options,
    entryPoints: modules.map((source) => ({ in: source, out: target(source).replace(/\.js$/, '') })),
    outdir: 'dist',
    plugins: [rawText, moduleByModule, pureConstants],
  });
  for (const { path, contents } of outputFiles) put(path, contents);
  const built = new Set(outputFiles.map(({ path }) => path));
  for (const folder of ['lib', 'shaders']) removeOthers(join(root, 'dist', folder), built);
}

/** The sources and shaders that the entries import, directly or indirectly. Type imports do not count. */
async function reachedModules() {
  const { metafile } = await bundle({
    ...options,
    entryPoints: entries,
    outdir: 'dist',
    plugins: [rawText],
    metafile: true,
  });
  return Object.keys(metafile.inputs).filter((path) => /^(src|shaders)\//.test(path));
}

/** Maps a source to its module below dist/: `src/a/b.ts` to `lib/a/b.js`, `shaders/c.wgsl` to `shaders/c.wgsl.js`. */
function target(source) {
  if (source.endsWith('.wgsl')) return `${source}.js`;
  return source.replace(/^src\//, 'lib/').replace(/\.ts$/, '.js');
}

/** Keeps relative imports, renamed to their targets in dist/. Inlines files that are read as text. */
const moduleByModule = {
  name: 'module-by-module',
  setup(build) {
    build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, importer, kind }) => {
      if (kind === 'entry-point' || path.endsWith('?raw')) return undefined;
      const from = target(relative(root, importer).replaceAll(sep, '/'));
      const to = target(relative(root, join(resolveDir, path)).replaceAll(sep, '/'));
      const specifier = posix.relative(posix.dirname(from), to);
      return { path: specifier.startsWith('.') ? specifier : `./${specifier}`, external: true };
    });
  },
};

/** Removes modules whose sources are gone. */
function removeOthers(folder, built) {
  for (const path of filesOf(folder, '.js')) if (!built.has(path)) rmSync(path, { force: true });
}

function filesOf(folder, extension) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(extension))
    .map((name) => join(folder, name));
}

/** Writes type declarations beside the modules. */
export function buildTypes() {
  const config = join(root, 'dist', 'tsconfig.types.json');
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rewriteRelativeImportExtensions: true,
    outDir: 'lib',
    rootDir: '../src',
  };
  const files = [...entries, 'src/wgsl.d.ts'].map((file) => `../${file}`);
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (const path of filesOf(join(root, 'dist', 'lib'), '.d.ts')) rmSync(path);
  writeFileSync(config, JSON.stringify({ extends: '../tsconfig.json', compilerOptions, include: [], files }));
  try {
    const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
    const { status } = spawnSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  } finally {
    rmSync(config);
  }
}
