import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildResult, build as bundle } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildWeb } from '../../scripts/web/build.mjs';
import { build } from '../cli/command.ts';

/** The built library as a bundler sees it, by the package's name. */

const root = resolve(import.meta.dirname, '..', '..');
// Inside the project, so that the package finds itself by its own name.
mkdirSync(join(root, 'dist'), { recursive: true });
const folder = mkdtempSync(join(root, 'dist', 'test-bundle-'));
beforeAll(build);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is built again when a source is newer, and only then', () => {
  const built = join(root, 'dist', 'pixtape.js');
  const date = () => statSync(built).mtimeMs;
  const before = date();
  build();
  expect(date()).toBe(before);
  utimesSync(built, 0, 0);
  build();
  expect(date()).toBeGreaterThan(before);
});

const { dependencies, optionalDependencies, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface Bundled {
  /** Paths below dist/ of the modules that are in it. */
  modules: string[];
  /** What it still imports. */
  imports: string[];
  bytes: number;
  gzipped: number;
}

async function bundled(contents: string, platform: 'browser' | 'node' = 'browser'): Promise<Bundled> {
  const { metafile, outputFiles } = (await bundle({
    absWorkingDir: root,
    stdin: { contents, resolveDir: folder },
    bundle: true,
    platform,
    format: 'esm',
    minify: true,
    metafile: true,
    write: false,
    // Only the clone has tar, for its drivers.
    external: platform === 'node' ? [...Object.keys({ ...dependencies, ...optionalDependencies }), 'tar'] : [],
  })) as BuildResult<{ write: false; metafile: true }>;
  const output = Object.values(metafile.outputs)[0];
  const kept = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  return {
    modules: kept.map(([path]) => path).filter((path) => path.startsWith('dist/')),
    imports: output?.imports.map(({ path }) => path) ?? [],
    bytes: code.length,
    gzipped: gzipSync(code).length,
  };
}

const all = (specifier: string) => `import * as all from '${specifier}'; console.log(all);`;

it('a page gets the library without Node or packages, Node gets more', async () => {
  const page = await bundled(all('pixtape'));
  expect(page.modules).toContain('dist/lib/index.js');
  expect(page.imports).toEqual([]);
  const node = await bundled(all('pixtape'), 'node');
  expect(node.modules).toContain('dist/lib/node.js');
  expect(node.imports.some(isBuiltin)).toBe(true);
});

it('pixtape/engine is the engine alone', async () => {
  const engine = await bundled(all('pixtape/engine'));
  expect(engine.imports).toEqual([]);
  expect(engine.modules.filter((path) => !/^dist\/(lib\/engine|shaders)\//.test(path))).toEqual([]);
});

it('each export leads to modules that are there', () => {
  for (const condition of [exports['.'].node, exports['.'], exports['./engine']]) {
    expect(readFileSync(join(root, condition.default), 'utf8')).toMatch(/^export /m);
  }
});

// The example that `npm run web` serves as /example.html and README shows.
const example = readFileSync(join(root, 'src', 'web', 'example.html'), 'utf8');
const network =
  /<script type="module">([\s\S]*)<\/script>/.exec(example)?.[1]?.replace('./pixtape.js', 'pixtape') ?? '';

it('a page with a small network and Adam takes what it uses, in 235 kB minified', async () => {
  const page = await bundled(network);
  tell('a page with a convolution and Adam', page);
  expect(page.modules).toContain('dist/shaders/optim/adam.wgsl.js');
  expect(page.modules.some((path) => path.startsWith('dist/shaders/conv/'))).toBe(true);
  // No other operations, no shaders of theirs, no Pix2Pix.
  for (const unused of [
    'dist/shaders/norm/',
    'dist/shaders/resample/',
    'dist/lib/engine/ops/norm/',
    'dist/lib/pix2pix/',
  ]) {
    expect(page.modules.filter((path) => path.startsWith(unused))).toEqual([]);
  }
  expect(page.bytes).toBeLessThan(235_000);
});

it('a page that only adds takes no convolution and no other element-wise operation, in 60 kB', async () => {
  const page = await bundled(
    "import { add, Device, record, Tensor } from 'pixtape'; console.log(add, Device, record, Tensor);",
  );
  tell('a page that only adds', page);
  expect(page.modules.filter((path) => path.includes('/conv/'))).toEqual([]);
  expect(page.modules.filter((path) => /shaders\/elementwise\/(?!loop)/.test(path)).sort()).toEqual([
    'dist/shaders/elementwise/arithmetic/add.wgsl.js',
    'dist/shaders/elementwise/arithmetic/copy.wgsl.js',
  ]);
  expect(page.bytes).toBeLessThan(60_000);
});

it('the project’s own page loads 440 kB of scripts to paint, and 470 kB more to train', async () => {
  await buildWeb(folder);
  const size = (...names: string[]) =>
    names.map((name) => readFileSync(join(folder, name)).length).reduce((sum, length) => sum + length, 0);
  console.log(`the page: ${kilobytes(size('main.js', 'paint.js'))} to paint, ${kilobytes(size('train.js'))} to train`);
  expect(size('main.js', 'paint.js')).toBeLessThan(440_000);
  expect(size('train.js')).toBeLessThan(470_000);
});

function tell(what: string, { bytes, gzipped, modules }: Bundled): void {
  console.log(`${what}: ${kilobytes(bytes)} minified, ${kilobytes(gzipped)} gzipped, ${modules.length} modules`);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
