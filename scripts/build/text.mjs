/** Shared by all builds: how files that are not code are read, and how results are written. */
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** esbuild's loaders: import shaders and style sheets verbatim, comments included. */
export const asText = { '.wgsl': 'text', '.css': 'text' };

/** `import text from './file?raw'`: the file's text, as Vite (and so vitest) reads it. */
export const rawText = {
  name: 'raw-text',
  setup(build) {
    build.onResolve({ filter: /\?raw$/ }, async ({ path, importer, resolveDir, kind, namespace }) => {
      // Look up a path inside a package from the importer: `packages: external` would stop at the package's name.
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

/** esbuild's options for a program that runs in Node, with its packages outside the bundle. */
export const nodeProgram = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  loader: asText,
  plugins: [rawText],
  logLevel: 'error',
};

function fileInPackage(path, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', path);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * Marks `const gelu = unary(…)` at a module's top level as pure, so that a bundler drops unused operations with their
 * shaders. The package declares that no module has side effects, but bundlers apply that to whole modules only.
 */
export const pureConstants = {
  name: 'pure-constants',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(
        /^((?:export )?const \w+(?:: [^=\n]+)? = )(?=(?:new )?[\w.]+\()/gm,
        '$1/* @__PURE__ */ ',
      ),
      loader: 'ts',
    }));
  },
};

/** Writes a file atomically, so that a running command never reads half of one. Makes its folder. */
export function put(path, contents, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.tmp`;
  writeFileSync(partial, contents);
  chmodSync(partial, mode);
  renameSync(partial, path);
}
