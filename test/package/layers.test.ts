import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';

/**
 * biome.layers.jsonc says which folder may import which, and forbids cycles. Tested on small projects that break its
 * rules.
 */

const root = resolve(import.meta.dirname, '..', '..');
const newFolder = temporaryFolders();

const engine = ['engine/util', 'engine/gpu', 'engine/tape', 'engine/ops', 'engine/nn'];
const pix2pix = ['pix2pix/models', 'pix2pix/data', 'pix2pix/train'];
/** What each folder of src/ may import besides itself. `shaders` is the folder of WGSL. */
const allowed: Record<string, string[]> = {
  'engine/util': [],
  'engine/gpu': ['engine/util', 'shaders'],
  'engine/tape': ['engine/util', 'engine/gpu', 'shaders'],
  'engine/ops': ['engine/util', 'engine/gpu', 'engine/tape', 'shaders'],
  'engine/nn': ['engine/util', 'engine/gpu', 'engine/tape', 'engine/ops', 'shaders'],
  files: ['engine/util'],
  distributed: ['engine/util', 'files'],
  drivers: ['engine/util', 'engine/gpu', 'files'],
  'pix2pix/models': engine,
  'pix2pix/data': ['engine/util', 'files'],
  'pix2pix/train': [...engine, 'shaders', 'files', 'pix2pix/models', 'pix2pix/data'],
  cli: [...engine, ...pix2pix, 'files', 'distributed', 'drivers', 'web/server'],
  web: [...engine, ...pix2pix, 'files', 'index', 'engine/index'],
};
/** What must not import Node or packages. */
const portable = [...engine, 'pix2pix/models'];
/** Everything that can be imported, with an example file. */
const targets: Record<string, string> = {
  ...Object.fromEntries(Object.keys(allowed).map((layer) => [layer, `src/${layer}/room/file.ts`])),
  'web/server': 'src/web/server/file.ts',
  shaders: 'shaders/room/file.wgsl',
  'engine/index': 'src/engine/index.ts',
  index: 'src/index.ts',
  node: 'src/node.ts',
};

interface Fault {
  path: string;
  rule: string;
  severity: string;
}

/** Runs the tool of `npm run check:layers` on files given by path and text. */
function check(files: Record<string, string>): Fault[] {
  const folder = newFolder();
  copyFileSync(join(root, 'biome.layers.jsonc'), join(folder, 'biome.layers.jsonc'));
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ root: true, extends: ['./biome.layers.jsonc'] }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const args = ['lint', ...RULES, '--max-diagnostics=none', '--reporter=json', '.'];
  const { stdout, stderr, status } = spawnSync(process.execPath, [biome, ...args], { cwd: folder, encoding: 'utf8' });
  expect(stdout, stderr).toContain('"diagnostics"');
  const faults = (
    JSON.parse(stdout).diagnostics as { category: string; severity: string; location: { path: string } }[]
  ).map(({ category, severity, location }) => ({
    path: location.path,
    rule: category.split('/').at(-1) ?? '',
    severity,
  }));
  expect(status !== 0).toBe(faults.some(({ severity }) => severity === 'error'));
  return faults;
}

const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
const RULES = ['--only=suspicious/noImportCycles', '--only=style/noRestrictedImports'];

function importOf(from: string, to: string, kind = 'import { x } from'): string {
  const path = posix.relative(posix.dirname(from), to);
  return `${kind} '${path.startsWith('.') ? path : `./${path}`}';\n`;
}

it('knows every folder of src/', () => {
  const folders = (path: string) =>
    readdirSync(join(root, 'src', path), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? entry.name : [],
    );
  const layers = folders('').flatMap((name) =>
    name === 'engine' || name === 'pix2pix' ? folders(name).map((inner) => `${name}/${inner}`) : name,
  );
  expect(layers.sort()).toEqual(Object.keys(allowed).sort());
});

it('finds nothing wrong here', { timeout: 60_000 }, () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [biome, 'lint', ...RULES, '.'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
});

it('refuses each import that points up or sideways, at any depth, and no other', () => {
  const files = Object.fromEntries(Object.values(targets).map((path) => [path, 'export const x = 1;\n']));
  const wrong: string[] = [];
  for (const [layer, may] of Object.entries(allowed)) {
    for (const [target, file] of Object.entries(targets)) {
      for (const depth of ['', 'room/', 'room/inner/']) {
        const from = `src/${layer}/${depth}to_${target.replaceAll('/', '_')}.ts`;
        files[from] = importOf(from, file, file.endsWith('.wgsl') ? 'import x from' : undefined);
        if (target !== layer && !may.includes(target) && !target.startsWith(`${layer}/`)) wrong.push(from);
      }
    }
  }
  const faults = check(files);
  expect(faults.map(({ path }) => path).sort()).toEqual(wrong.sort());
  expect(wrong.length).toBeGreaterThan(200);
});

it('refuses Node and packages in code that must run anywhere', () => {
  const sources = ['node:path', 'path', 'sharp', '@scope/package/file.js'];
  const files = Object.keys(allowed).flatMap((layer) =>
    sources.map((source, i) => [`src/${layer}/room/import_${i}.ts`, `import '${source}';\n`] as const),
  );
  const faults = check(Object.fromEntries(files));
  expect(faults.map(({ path }) => path).sort()).toEqual(
    portable.flatMap((layer) => sources.map((_, i) => `src/${layer}/room/import_${i}.ts`)).sort(),
  );
});

it('lets only src/files write to the disk', () => {
  const layers = ['drivers', 'files', 'pix2pix/data', 'pix2pix/train', 'cli', 'web'];
  const reads = ["import { existsSync, readFileSync, lstatSync, createReadStream, type Stats } from 'node:fs';"];
  const writes = [
    "import { readFileSync, writeFileSync } from 'node:fs';",
    "import { rm } from 'node:fs/promises';",
    "import { mkdirSync as make } from 'fs';",
    "import * as fs from 'node:fs';",
    "import fs from 'node:fs/promises';",
    "const { createWriteStream } = await import('node:fs');\nexport { createWriteStream };",
  ];
  const files = layers.flatMap((layer) =>
    [...reads, ...writes].map((text, i) => [`src/${layer}/room/${i}.ts`, `${text}\n`] as const),
  );
  const faults = check(Object.fromEntries(files));
  const others = layers.filter((layer) => layer !== 'files');
  expect(faults.map(({ path }) => path).sort()).toEqual(
    others.flatMap((layer) => writes.map((_, i) => `src/${layer}/room/${reads.length + i}.ts`)).sort(),
  );
});

it.each(['import type { x } from', 'export { x } from', 'export type { x } from', 'export * from', 'import'])(
  'finds `%s` too, upwards and in circles of three',
  (kind) => {
    const up = 'src/engine/gpu/up.ts';
    const circle = ['a', 'b', 'c'].map((name) => `src/engine/ops/${name}.ts`);
    const files = Object.fromEntries(
      circle.map((path, i) => [path, importOf(path, circle[(i + 1) % 3] as string, kind)] as const),
    );
    const faults = check({
      ...files,
      [up]: importOf(up, 'src/cli/main.ts', kind),
      'src/cli/main.ts': 'export const x = 1;\n',
    });
    expect(faults).toEqual([
      { path: up, rule: 'noRestrictedImports', severity: 'error' },
      ...circle.map((path) => ({ path, rule: 'noImportCycles', severity: 'error' })),
    ]);
  },
);
