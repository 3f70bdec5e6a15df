/**
 * The package as its users install it.
 * @module-tag long
 */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { writePairs } from '../cli/command.ts';
import { describeInBrowser } from '../web/helpers/browser.ts';
import { cleanEnvironment, Installed } from './installed.ts';

const root = resolve(import.meta.dirname, '..', '..');
let project: Installed;
beforeAll(() => {
  project = new Installed();
}, 300_000);
afterAll(() => project?.remove());

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

describe('installed into an empty project', { timeout: 300_000 }, () => {
  it('has few dependencies, and a known size', () => {
    const { names, bytes } = project.dependencies();
    console.log(`the package: ${megabytes(project.packed)} packed, ${megabytes(project.unpacked)} unpacked`);
    console.log(`beside it ${megabytes(bytes)} in ${names.length} packages: ${names.join(', ')}`);
    // Of it 4.3 MB are the two networks of the page.
    expect(project.packed).toBeLessThan(6_000_000);
    expect(names.length).toBeLessThanOrEqual(30);
  });

  it('contains what runs and its types, but no sources, tests or comparison with PyTorch', () => {
    const inside = (path: string) => existsSync(join(project.folder, 'node_modules', 'pixtape', path));
    for (const path of ['dist/pixtape.js', 'dist/lib/index.d.ts', 'dist/web/index.html', 'README.md', 'LICENSE']) {
      expect(inside(path), path).toBe(true);
    }
    for (const path of ['src', 'test', 'dist/reference.js', 'dist/api', 'dist/bench']) {
      expect(inside(path), path).toBe(false);
    }
  });

  it('prints help', () => {
    const { stdout, status } = project.pixtape('--help');
    expect(status).toBe(0);
    for (const command of ['train', 'translate', 'demo', 'doctor']) expect(stdout).toContain(command);
  });

  it('finds a driver, or names the packages that have one', () => {
    const first = project.pixtape('doctor');
    if (first.status !== 0) {
      const named = /npm install --no-save (\S+) (tar@\S+)/.exec(first.stdout);
      expect(named, first.stdout + first.stderr).toBeTruthy();
      project.install('--no-save', ...(named as RegExpExecArray).slice(1));
    }
    const { stdout, stderr, status } = project.pixtape('doctor');
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/ chosen /);
  });

  it('trains on twelve pairs, and translates with the checkpoint', () => {
    writePairs(join(project.folder, 'pairs'), 12);
    const size = '--crop_size 16 --depth 2 --ngf 2 --ndf 2 --batch_size 2'.split(' ');
    const trained = project.pixtape('train', '--dataroot', 'pairs', '--name', 'first', ...size, '--steps', '4');
    expect(trained.status, trained.stderr).toBe(0);
    const painted = project.pixtape('translate', 'first', 'pairs', 'painted', '--side', 'right');
    expect(painted.status, painted.stderr).toBe(0);
    expect(
      readFileSync(join(project.folder, 'painted', 'pair0.png'))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  it('says which package the emoji are in', () => {
    const { stderr, status } = project.pixtape('train', '--data', 'openmoji', '--preset', 'quick', '--steps', '1');
    expect(status).toBe(1);
    expect(stderr).toContain('npm install openmoji');
  });

  it('serves its page', async () => {
    const main = join(project.folder, 'node_modules', 'pixtape', 'dist', 'pixtape.js');
    const child = spawn(process.execPath, [main, 'demo', '--no-open', '--port', '0'], {
      cwd: project.folder,
      env: cleanEnvironment(),
    });
    const ended = new Promise((done) => child.on('close', done));
    const url = await new Promise<string>((found, fail) => {
      let out = '';
      child.stdout.on('data', (text) => {
        out += text;
        const [link] = /http:\S+/.exec(out) ?? [];
        if (link) found(link);
      });
      ended.then((code) => fail(new Error(`demo ended with ${code}: ${out}`)));
    });
    for (const file of ['', 'main.js', 'paint.js', 'paint-64.safetensors', 'paint-128.safetensors', 'example.html']) {
      expect((await fetch(url + file)).status, file).toBe(200);
    }
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });

  it('runs the guide’s first example in Node', () => {
    copyFileSync(join(root, 'test', 'engine', 'example.mjs'), join(project.folder, 'example.mjs'));
    const { stdout, stderr, status } = project.node('example.mjs');
    expect(status, stderr).toBe(0);
    expect(lossesOf(stdout).at(-1)).toBeLessThan(0.1 * (lossesOf(stdout)[0] as number));
  });

  it.each(['bundler', 'nodenext'])('has types for a strict project, resolved as %s does', (resolution) => {
    project.write(
      `${resolution}.ts`,
      `import { Classifier, type Device, record, Tensor } from 'pixtape';
import { Adam, Module } from 'pixtape/engine';
${resolution === 'nodenext' ? "import { openDevice } from 'pixtape';\nexport { openDevice };" : ''}
export const make = (device: Device): Tensor => Tensor.zeros(device, [1, 2], 'made');
export const adapter = (device: Device): GPUDevice => device.gpu;
export { Adam, Classifier, Module, record };
// @ts-expect-error a shape is not a string
export const wrong = (device: Device) => Tensor.zeros(device, '1, 2');
`,
    );
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      target: 'es2023',
      lib: ['es2023', 'dom'],
      types: resolution === 'nodenext' ? ['node'] : [],
      typeRoots: [join(root, 'node_modules', '@types')],
      module: resolution === 'nodenext' ? 'nodenext' : 'esnext',
      moduleResolution: resolution,
    };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: [`${resolution}.ts`] }));
    // TypeScript 7, and 6 as those have it whose tools need its API.
    for (const compiler of ['@typescript/native/bin/tsc', 'typescript/bin/tsc6']) {
      const { stdout, status } = project.node(join(root, 'node_modules', compiler), '-p', '.');
      expect(status, `${compiler}: ${stdout}`).toBe(0);
    }
  });
});

/** The page's example. */
const html = readFileSync(join(root, 'src', 'web', 'example.html'), 'utf8');
const script = /<script type="module">([\s\S]*)<\/script>/.exec(html)?.[1] ?? '';
const bundlers: Record<string, (entry: string, outdir: string) => Promise<unknown>> = {
  esbuild: (entry, outdir) =>
    esbuild({ entryPoints: [entry], outfile: join(outdir, 'page.js'), bundle: true, minify: true, format: 'esm' }),
  vite: (entry, outDir) =>
    vite({
      root: project.folder,
      configFile: false,
      logLevel: 'warn',
      build: {
        outDir,
        emptyOutDir: false,
        target: 'es2023',
        minify: true,
        rollupOptions: { input: entry, output: { entryFileNames: 'page.js' } },
      },
    }),
  webpack: (entry, path) =>
    new Promise((done, fail) => {
      const config: webpack.Configuration = {
        mode: 'production',
        context: project.folder,
        entry,
        output: { path, filename: 'page.js' },
      };
      webpack(config, (error, stats) => {
        if (error || stats?.hasErrors()) fail(error ?? new Error(stats?.toString('errors-only')));
        else done(undefined);
      });
    }),
};

async function bundlePages(folder: string): Promise<void> {
  const entry = join(project.folder, 'page.js');
  writeFileSync(entry, script.replace('./pixtape.js', 'pixtape'));
  for (const [name, bundle] of Object.entries(bundlers)) {
    const outdir = join(folder, name);
    mkdirSync(outdir);
    await bundle(entry, outdir);
    const page = `<!doctype html><link rel="icon" href="data:,"><pre id="log"></pre><script type="module" src="page.js"></script>`;
    writeFileSync(join(outdir, 'index.html'), page);
    console.log(`${name} makes a page of ${(readFileSync(join(outdir, 'page.js')).length / 1000).toFixed(0)} kB`);
  }
}

describeInBrowser('a page that a bundler made', bundlePages, ({ open }) => {
  it.each(Object.keys(bundlers))('%s: trains', { timeout: 120_000 }, async (name) => {
    const page = await open(`${name}/`);
    const log = page.locator('#log', { hasText: 'step 200' });
    const losses = lossesOf((await log.textContent({ timeout: 110_000 })) ?? '');
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] as number));
  });
});

function lossesOf(text: string): number[] {
  return [...text.matchAll(/step \d+: loss (\S+)/g)].map((match) => Number(match[1]));
}
