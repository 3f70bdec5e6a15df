/**
 * Bundles src/ into dist/: the command (pixtape.js), the library for browsers (index.js) and with what only Node can
 * (node.js), and the reference runner (reference.js).
 * Packages stay outside the bundles; shaders, style sheets and `?raw` imports go in as text. The page of `npm run web` is
 * made by web/build.mjs.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'esbuild';
import { shortNames } from './short_names.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Shaders as text, without what only people read: comments (but `// unroll`, which the loader obeys), indentation, the
 * spaces around signs, most ends of lines, and names longer than they need be. Every bundle has them so, in Node and in
 * browsers the same.
 */
export const shaderText = {
  name: 'shader-text',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, async ({ path }) => {
      const source = (await readFile(path, 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '');
      const lines = source.split('\n').map((line) => line.trim().replace(/^(?!\/\/ unroll$)(.*?)\s*\/\/.*$/, '$1'));
      const kept = shortNames(lines.filter(Boolean).join('\n')).split('\n');
      const tight = kept.map((line) => (line === '// unroll' ? line : tighten(line)));
      return { contents: tight.reduce(joined).replace(/,([)}])/g, '$1'), loader: 'text' };
    });
  },
};

/** On the same line where a sign ends the one before or a function follows its attributes; `// unroll` stands on its own. */
function joined(text, line) {
  const tight = /[;{},(&|+*=]$/.test(text) || (text.endsWith(')') && line.startsWith('fn '));
  return `${text}${tight && line !== '// unroll' ? '' : '\n'}${line}`;
}

/** Never makes one sign of two: not of `>` and `=`, of `/` and `*`, or of two `-`. A float keeps its point: `1.0` is `1.`. */
function tighten(line) {
  return line
    .replace(/(?<!>) ([+*%&|=<]|[-+*/=!<]=|<<|-(?!-)) (?!-)/g, '$1')
    .replace(/ (>=?|\/) (?![=*/-])/g, '$1')
    .replace(/ ?([{}()[\],;:]|->) ?/g, '$1')
    .replace(/(var<[^>]*>) /g, '$1')
    .replace(/\b(\d+\.)0\b/g, '$1');
}

/** `import text from './file?raw'`: the file's text, as Vite (and so vitest) reads it. */
export const rawText = {
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
  { source: 'tools/pytorch/main.ts', target: 'dist/reference.js', command: true },
  { source: 'src/index.ts', target: 'dist/index.js', platform: 'browser' },
  { source: 'src/node.ts', target: 'dist/node.js' },
];

/** Builds what there is a source for. Each file is put in place by a rename, so that a running command never reads half of one. */
export async function build() {
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (const { source, target, command, platform = 'node' } of entries) {
    if (!existsSync(join(root, source))) continue;
    const result = await bundle({
      absWorkingDir: root,
      entryPoints: [source],
      outfile: target,
      bundle: true,
      platform,
      target: platform === 'node' ? 'node20' : 'es2023',
      format: 'esm',
      packages: 'external',
      minify: platform === 'browser',
      loader: { '.css': 'text' },
      banner: command ? { js: '#!/usr/bin/env node' } : undefined,
      plugins: [shaderText, rawText],
      write: false,
      logLevel: 'warning',
    });
    for (const { path, contents } of result.outputFiles) put(path, contents, command ? 0o755 : 0o644);
  }
}

/** Writes a file as a whole or not at all. */
export function put(path, contents, mode = 0o644) {
  const partial = `${path}.${process.pid}.tmp`;
  writeFileSync(partial, contents);
  chmodSync(partial, mode);
  renameSync(partial, path);
}

/** What a page has to load for the library, all shaders in it. */
function tellSize() {
  const text = readFileSync(join(root, 'dist', 'index.js'));
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;
  console.log(
    `dist/index.js, the library for browsers: ${kilobytes(text.length)} minified, ${kilobytes(gzipSync(text).length)} gzipped`,
  );
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
  const files = ['../src/index.ts', '../src/node.ts', '../src/wgsl.d.ts'];
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
  tellSize();
  if (process.argv.includes('--types')) buildTypes();
}
