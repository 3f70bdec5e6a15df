/** Builds the page of `npm run web` and `pixtape demo`: a folder of static files, dist/web. Also runs by itself. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';
import { asText, pureConstants, put, rawText, root } from '../build/text.mjs';

const src = join(root, 'src', 'web');

/** The bundles and their formats: the page as a module, workers as classic scripts, which every browser takes. */
const scripts = [
  { source: 'src/web/main.ts', target: 'main.js', format: 'esm' },
  { source: 'src/web/paint/worker/worker.ts', target: 'paint.js', format: 'iife' },
  { source: 'src/web/train/worker/worker.ts', target: 'train.js', format: 'iife' },
  { source: 'src/index.ts', target: 'pixtape.js', format: 'esm' },
  { source: 'src/web/style.css', target: 'style.css' },
];
const networks = ['assets/paint-64.safetensors', 'assets/paint-128.safetensors'];
const files = ['index.html', 'example.html', 'assets/icon.svg', ...networks];

/** Writes the page into `folder`. */
export async function buildWeb(folder = join(root, 'dist', 'web')) {
  mkdirSync(join(folder, 'examples'), { recursive: true });
  for (const { source, target, format } of scripts) {
    const { outputFiles } = await bundle({
      absWorkingDir: root,
      entryPoints: [source],
      outfile: join(folder, target),
      bundle: true,
      minify: true,
      platform: 'browser',
      target: 'es2023',
      ...(format ? { format } : {}),
      loader: { ...asText, '.css': 'css' },
      plugins: [rawText, pureConstants],
      write: false,
      logLevel: 'warning',
    });
    for (const { path, contents } of outputFiles) put(path, contents);
  }
  for (const file of files) put(join(folder, file.replace('assets/', '')), readFileSync(join(src, file)));
  copyExamples(join(folder, 'examples'));
  return folder;
}

/** Copies the example drawings from the openmoji package. Adds a size, without which some browsers draw nothing. */
function copyExamples(folder) {
  const drawings = join(dirname(createRequire(import.meta.url).resolve('openmoji/package.json')), 'black', 'svg');
  for (const { hexcode } of JSON.parse(readFileSync(join(src, 'assets', 'examples.json'), 'utf8'))) {
    const svg = readFileSync(join(drawings, `${hexcode}.svg`), 'utf8');
    put(join(folder, `${hexcode}.svg`), svg.replace('<svg ', '<svg width="72" height="72" '));
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) await buildWeb();
