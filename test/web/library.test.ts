import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shaderText } from '../../scripts/build.mjs';
import { closeAdapter, openAdapter } from '../../src/drivers/index.ts';
import { reflect, stripComments } from '../../src/engine/gpu/shader/wgsl.ts';
import { convCandidates } from '../../src/engine/ops/conv/choose.ts';
import { compareWithDirect } from '../engine/ops/compare.ts';
import { root } from './helpers/bundle.ts';

/** The library as a page gets it, by the package's name; and the command that serves the page. */

// Inside the project, so that the package finds itself by its own name.
mkdirSync(join(root, 'dist'), { recursive: true });
const folder = mkdtempSync(join(root, 'dist', 'test-library-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['scripts/build.mjs', '--types'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
  writeFileSync(join(folder, 'page.js'), "import * as pixtape from 'pixtape';\nconsole.log(pixtape);");
}, 180_000);

const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

async function bundled(
  platform: 'browser' | 'node',
): Promise<{ files: string[]; imports: string[]; code: Uint8Array }> {
  const { metafile, outputFiles } = await bundle({
    absWorkingDir: folder,
    entryPoints: ['page.js'],
    bundle: true,
    platform,
    format: 'esm',
    minify: true,
    metafile: true,
    write: false,
    // Only the clone has tar, for the drivers that it brings.
    external: platform === 'node' ? [...Object.keys(dependencies), 'tar'] : [],
  });
  const files = Object.keys(metafile.inputs).map((path) => path.split('/').at(-1) ?? '');
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { files, imports, code: outputFiles[0]?.contents ?? new Uint8Array() };
}

it('a bundler gets the browser’s file for a page and Node’s for Node', async () => {
  const page = await bundled('browser');
  expect(page.files.sort()).toEqual(['index.js', 'page.js']);
  expect(page.imports).toEqual([]);
  const node = await bundled('node');
  expect(node.files.sort()).toEqual(['node.js', 'page.js']);
  expect(node.imports.some(isBuiltin)).toBe(true);
});

it('is less than 150 kB minified with all its shaders, and the README says how much', () => {
  const library = readFileSync(join(root, 'dist', 'index.js'));
  expect(library.length).toBeLessThan(150_000);
  expect(library.toString().match(/@compute/g)?.length).toBeGreaterThan(20);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const said = /(\d+) kB minified \((\d+) kB gzipped\)/.exec(readme)?.slice(1).map(Number) ?? [];
  expect(said).toHaveLength(2);
  // What it says may be somewhat out of date.
  [library, gzipSync(library)].forEach(({ length }, i) => {
    expect(Math.abs((said[i] ?? 0) / (length / 1000) - 1)).toBeLessThan(0.1);
  });
});

it('loses spaces, comments, noughts behind the point and last commas of its shaders, no sign; names are renamed one by one', async () => {
  const sign = />>=|<<=|&&|\|\||[-+*/%&|^=!<>]=|\+\+|--|->|<<|>>|\/[/*]/.source;
  const tokens = (text: string) =>
    text.replace(/,(\s*[)}])/g, '$1').match(new RegExp(`[A-Za-z_]\\w*|\\d[\\w.]*|${sign}|\\S`, 'g')) ?? [];
  const short = (token: string) => token.replace(/^(\d+\.)0$/, '$1');
  const names = readdirSync(join(root, 'shaders'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.wgsl'));
  const entryPoints = names.map((name) => join(root, 'shaders', name));
  const { outputFiles } = await bundle({
    entryPoints,
    outdir: folder,
    plugins: [shaderText],
    format: 'cjs',
    write: false,
  });
  expect(outputFiles).toHaveLength(names.length);
  for (const { path, text } of outputFiles) {
    const name = path.split('/').at(-1)?.replace('.js', '.wgsl') ?? '';
    const module = { exports: '' };
    new Function('module', text)(module);
    const source = readFileSync(join(root, 'shaders', name), 'utf8');
    const before = tokens(stripComments(source)).map(short);
    const after = tokens(module.exports.replace(/^\/\/ unroll$/gm, ''));
    const renamed = new Map(before.map((token, i) => [token, after[i] ?? '']));
    expect(after, name).toEqual(before.map((token) => renamed.get(token)));
    expect(new Set(renamed.values()).size, `${name}: no two names become one`).toBe(renamed.size);
    for (const [from, to] of renamed) if (!/^[A-Za-z_]\w*$/.test(from)) expect(to, name).toBe(from);
    // What TypeScript knows it by: bindings, parameters, entry points.
    for (const entry of source.matchAll(/@compute[^{]*?\bfn\s+(\w+)/g)) {
      expect(reflect(module.exports, entry[1] as string), name).toEqual(reflect(source, entry[1] as string));
    }
    // The loader obeys a comment only on a line of its own, above its loop.
    const loops = /^\s*\/\/ unroll\n\s*for\b/gm;
    expect(module.exports.match(loops)?.length, name).toBe(source.match(loops)?.length);
  }
});

it('shaders that are joined to one text still fit each other', { timeout: 120_000 }, async () => {
  const from = (path: string) => JSON.stringify(join(root, 'src', path));
  const { outputFiles } = await bundle({
    stdin: {
      contents: `export { Device } from ${from('engine/gpu/device.ts')}; export { ConvBenchmark } from ${from('pix2pix/train/autotune/conv_benchmark.ts')};`,
      resolveDir: root,
    },
    plugins: [shaderText],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const file = join(folder, 'joined.mjs');
  writeFileSync(file, outputFiles[0]?.contents ?? '');
  const { Device, ConvBenchmark } = (await import(
    pathToFileURL(file).href
  )) as typeof import('../../src/engine/gpu/device.ts') &
    typeof import('../../src/pix2pix/train/autotune/conv_benchmark.ts');
  const { adapter, description } = await openAdapter();
  const device = await Device.open(adapter, description);
  const size = { batch: 1, inC: 16, inH: 12, inW: 12, outC: 16, outH: 12, outW: 12 };
  const g = { ...size, kernelH: 3, kernelW: 3, strideH: 1, strideW: 1, padH: 1, padW: 1 };
  let joined = 0;
  try {
    for (const direction of ['forward', 'weightGradient'] as const) {
      const trials = new ConvBenchmark(device, direction, g);
      const winograd = convCandidates(device, direction, g).filter((choice) => choice.startsWith('winograd'));
      await compareWithDirect(trials, winograd);
      joined += winograd.length;
      trials.destroy();
    }
    // Those kernels are for CPU drivers.
    expect(joined > 0).toBe(device.capabilities.cpu);
  } finally {
    device.destroy();
    closeAdapter();
  }
});

it('has types, for pages and for Node', () => {
  const program = (name: string) => `
import { type Device, ${name}, Tensor } from 'pixtape';
export const make = (device: Device): Tensor => Tensor.zeros(device, [1, 2], 'made');
export const step = ${name};
// @ts-expect-error a shape is no text
export const wrong = (device: Device) => Tensor.zeros(device, '1, 2');
`;
  for (const [host, name] of [
    ['page', 'record'],
    ['node', 'openDevice'],
  ] as const) {
    writeFileSync(join(folder, `${host}.ts`), program(name));
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2023',
      // Libraries of current pages know WebGPU, Node's do not.
      lib: host === 'node' ? ['es2023'] : ['es2023', 'dom'],
      types: host === 'node' ? ['node', '@webgpu/types'] : [],
      // Which themselves want a page's types.
      skipLibCheck: host === 'node',
      module: 'esnext',
      moduleResolution: 'bundler',
      ...(host === 'node' ? { customConditions: ['node'] } : {}),
    };
    const config = join(folder, `${host}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions, files: [`${host}.ts`] }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', config], { encoding: 'utf8' });
    expect(status, `${host}: ${stdout}`).toBe(0);
  }
}, 60_000);

it('npm run web prints a link, and the page is there', async () => {
  const child = spawn(process.execPath, ['scripts/web/serve.mjs', '--port', '0'], { cwd: root, stdio: 'pipe' });
  try {
    const link = await new Promise<string>((found, fail) => {
      let out = '';
      child.stdout.on('data', (text) => {
        out += text;
        const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(out) ?? [];
        if (url) found(url);
      });
      child.stderr.on('data', (text) => {
        out += text;
      });
      child.on('close', (code) => fail(new Error(`it ended with ${code}: ${out}`)));
    });
    expect(await (await fetch(link)).text()).toContain('<title>pixtape</title>');
    for (const file of ['main.js', 'paint.js', 'train.js', 'style.css', 'paint.safetensors']) {
      expect((await fetch(link + file)).status, file).toBe(200);
    }
  } finally {
    child.kill();
  }
}, 180_000);
