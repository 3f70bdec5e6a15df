import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const DOCUMENTS = [
  ...['README.md', 'CONTRIBUTING.md', 'bench/README.md'],
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
];

/** Names of files that the reader creates: NAME.wgsl in a folder ROOM. */
const PLACEHOLDER = /NAME|ROOM/;
/** Folders whose files documents must name correctly; others belong to other programs. */
const FOLDERS = ['', 'src'].flatMap((folder) => readdirSync(join(ROOT, folder)));

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  test('every file that it names is there', () => {
    const named = [...text.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|wgsl|sh|py))`/g)].map(
      ([, path]) => path as string,
    );
    const missing = named.filter((path) => {
      const places = [path, `src/${path}`, join(dirname(document), path)];
      const ours = FOLDERS.includes(path.split('/')[0] as string);
      return ours && !PLACEHOLDER.test(path) && !places.some((place) => existsSync(join(ROOT, place)));
    });
    expect(missing).toEqual([]);
  });

  test('every link into the repository leads somewhere', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string);
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? document : join(dirname(document), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

/** Anchors as GitHub makes them from headings. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading as string);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}

test('the table of operations has every one that the engine exports, and no other', () => {
  const index = read('src/engine/index.ts');
  const exported = [...index.matchAll(/export \{([^}]*)\} from '\.\/ops\/(?!arguments|launch)[^']*'/g)]
    .flatMap(([, names]) => (names as string).split(','))
    .map((name) => name.trim())
    .filter((name) => /^[a-z]/.test(name) && !name.startsWith('type '));
  const table = read('docs/operations.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const listed = table.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  // These make operations or choose kernels; docs/library.md and docs/drivers.md document them.
  const others = ['unary', 'binary', 'convTuning'];
  expect(exported.length).toBeGreaterThan(80);
  expect(exported.filter((name) => !listed.includes(name) && !others.includes(name))).toEqual([]);
  expect(listed.filter((name) => !exported.includes(name as string))).toEqual([]);
});
