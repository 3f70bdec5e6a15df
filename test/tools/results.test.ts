import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { trainFlags } from '../../src/cli/train/flags.ts';
import { fillIn, renderTable } from '../../tools/results/render.ts';
import { commandOf } from '../../tools/results/run.ts';
import { type Result, Store } from '../../tools/results/store.ts';
import { type ResultTable, TABLES } from '../../tools/results/tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'pixtape-results-'));
afterAll(() => rmSync(folder, { recursive: true }));

const table: ResultTable = {
  title: 'A table',
  train: '--data facades-toy --netG unet_64 --lr 1e-3',
  evaluate: '--fcn',
  measures: ['pixel', 'l1'],
  real: { pixel: 0.8 },
  rows: [
    { title: 'plain', flags: '', paper: { pixel: 0.66 } },
    { title: 'severed', flags: '--netG encoder_decoder_64 --gan_mode none' },
  ],
};

const result = (train: string, seed: number, pixel: number, l1: number): Result => ({
  train,
  evaluate: '--fcn',
  seed,
  steps: 600,
  seconds: { train: 100 + seed, evaluate: 20 },
  scores: { pixel, l1 },
  real: { pixel: 0.9 },
  date: '2026-01-02T03:04:05.000Z',
  cpu: 'EPYC',
  cores: 2,
  memory: '24 GiB',
  adapter: 'llvmpipe',
  node: 'v20',
  commit: 'abc',
  load: [1, 2.5],
});

it('a flag of a row replaces its table’s', () => {
  expect(table.rows.map((row) => commandOf(table, row))).toEqual([
    '--data facades-toy --netG unet_64 --lr 1e-3',
    '--data facades-toy --lr 1e-3 --netG encoder_decoder_64 --gan_mode none',
  ]);
});

it('every row of every table is a command that train accepts', () => {
  for (const [name, each] of Object.entries(TABLES)) {
    for (const row of each.rows) {
      const command = trainFlags()
        .exitOverride()
        .configureOutput({ writeErr: () => undefined });
      const words = commandOf(each, row).split(' ');
      expect(() => command.parse(words, { from: 'user' }), `${name}, ${row.title}`).not.toThrow();
    }
  }
});

describe('the store', () => {
  it('finds a result by its commands and seed, also after reading the file again', async () => {
    const path = join(folder, 'learning.json');
    const store = new Store(path);
    const [plain] = table.rows.map((row) => commandOf(table, row)) as [string, string];
    await store.add(result(plain, 0, 0.5, 0.1));
    await store.add(result(plain, 1, 0.6, 0.2));
    const again = new Store(path);
    expect(again.find({ train: plain, evaluate: '--fcn', seed: 1 })?.scores.pixel).toBe(0.6);
    expect(again.find({ train: plain, evaluate: '', seed: 1 })).toBeUndefined();
    expect(again.all({ train: plain, evaluate: '--fcn' })).toHaveLength(2);

    const text = renderTable(table, again);
    expect(text).toContain('| plain         | 0.550 ± 0.050 | 0.1500 ± 0.0500 |             0.66 |');
    expect(text).toContain('| severed       |               |                 |                  |');
    expect(text).toContain('| real pictures |         0.900 |                 |             0.80 |');
    expect(text).toContain(
      'seeds 0, 1; 600 steps; 100 to 101 s a run (load 1 to 2.5); 2 cores of EPYC; llvmpipe; 2026-01-02.',
    );
    expect(fillIn('a\n<!-- results: t -->\nold\n<!-- /results -->\nb', { t: table }, again)).toBe(
      `a\n<!-- results: t -->\n\n${text}\n\n<!-- /results -->\nb`,
    );
  });

  it('keeps PyTorch’s result of a run separate from ours, and the later one of two results of a run', async () => {
    const path = join(folder, 'both.json');
    const train = commandOf(table, table.rows[0] as (typeof table.rows)[number]);
    const theirs = { ...result(train, 0, 0.7, 0.2), engine: 'pytorch' } as const;
    writeFileSync(path, JSON.stringify([result(train, 0, 0.5, 0.1), theirs, result(train, 0, 0.6, 0.1)]));
    const store = new Store(path);
    const wanted = { train, evaluate: '--fcn', seed: 0 };
    expect(store.find(wanted)?.scores.pixel).toBe(0.6);
    expect(store.find({ ...wanted, engine: 'pytorch' })?.scores.pixel).toBe(0.7);
    const rows = [...table.rows.slice(0, 1), { title: 'plain, PyTorch', flags: '', engine: 'pytorch' } as const];
    const text = renderTable({ ...table, rows }, store);
    expect(text).toMatch(/plain +\| +0\.600 \|/);
    expect(text).toMatch(/plain, PyTorch \| +0\.700 \|/);
  });

  it('keeps results that another process has added meanwhile', async () => {
    const path = join(folder, 'meanwhile.json');
    const [one, other] = [new Store(path), new Store(path)];
    await one.add(result('a', 0, 0.5, 0.1));
    await other.add(result('b', 0, 0.6, 0.1));
    expect(new Store(path).results.map(({ train }) => train)).toEqual(['a', 'b']);
  });

  it('refuses another kind of file, a block of an unknown table, and a block without an end', () => {
    writeFileSync(join(folder, 'other.json'), '{}');
    expect(() => new Store(join(folder, 'other.json'))).toThrow(/no list of results/);
    const empty = new Store(join(folder, 'none.json'));
    const fill = (text: string) => fillIn(text, { t: table }, empty);
    expect(() => fill('<!-- results: x -->\n<!-- /results -->')).toThrow(/no table named x/);
    expect(() => fill('<!-- results: t -->\n<!-- results: t -->\n<!-- /results -->')).toThrow(/has no end/);
  });
});

it('docs/results.md has the tables of the committed results', () => {
  const root = resolve(import.meta.dirname, '..', '..');
  const text = readFileSync(join(root, 'docs', 'results.md'), 'utf8');
  const store = new Store(join(root, 'bench', 'results', 'learning.json'));
  expect(fillIn(text, TABLES, store)).toBe(text);
  expect(text).toContain('<!-- results: losses -->');
});
