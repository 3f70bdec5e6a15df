import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomic } from '../../src/files/files.ts';
import { drawChart } from './pytorch/chart.ts';
import { findPyTorch } from './pytorch/train.ts';
import { fillIn, renderTable } from './render.ts';
import { commandOf, makeResult } from './run.ts';
import { Store } from './store.ts';
import { TABLES } from './tables.ts';

const USAGE = `npm run results -- NAME … [--seeds 0,1,2] [--row TITLE]
                                             trains and measures the rows of these tables, or those of that title, then
                                             writes the tables
npm run results -- render                    writes the tables of what was measured before

Tables: ${Object.keys(TABLES).join(', ')}. A row that was measured is not run again: results stand in
bench/results/learning.json, and docs/results.md is filled in from it. Interrupted runs go on.`;

const root = resolve(process.cwd());
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '0' },
    row: { type: 'string', multiple: true },
    help: { type: 'boolean', default: false },
  },
});
const names = positionals.filter((name) => name !== 'render');
const seeds = values.seeds.split(',').map(Number);
const unknown = names.find((name) => !Object.hasOwn(TABLES, name));
const titles = names.flatMap((name) => TABLES[name]?.rows.map(({ title }) => title) ?? []);
const noRow = values.row?.find((title) => !titles.includes(title));

if (values.help || positionals.length === 0) console.log(USAGE);
else if (unknown !== undefined) refuse(`no table "${unknown}"`);
else if (noRow !== undefined) refuse(`no row "${noRow}" in ${names.join(', ')}: there are ${titles.join('; ')}`);
else if (seeds.some((seed) => !Number.isSafeInteger(seed) || seed < 0)) {
  refuse(`--seeds ${values.seeds}: whole numbers are wanted`);
} else {
  const store = new Store(join(root, 'bench', 'results', 'learning.json'));
  const options = { root, runs: join(root, 'runs', 'results'), say: (line: string) => console.log(`\n— ${line}`) };
  const torch =
    names.some((name) => TABLES[name]?.rows.some(({ engine }) => engine === 'pytorch')) && findPyTorch(root);
  const missing = torch && 'missing' in torch ? torch.missing : undefined;
  if (missing !== undefined) console.warn(`skipped  the rows that PyTorch trains: ${missing}`);
  // Run all rows with the first seed before any with the second.
  for (const seed of seeds) {
    for (const table of names.map((name) => TABLES[name] as (typeof TABLES)[string])) {
      const rows = table.rows.filter(({ title }) => values.row?.includes(title) ?? true);
      for (const row of rows) await measure(table, row, seed);
    }
  }
  for (const name of names) console.log(`\n${renderTable(TABLES[name] as (typeof TABLES)[string], store)}`);
  for (const name of names) await drawChart(TABLES[name] as (typeof TABLES)[string], seeds, options);
  const document = join(root, 'docs', 'results.md');
  await writeFileAtomic(document, fillIn(readFileSync(document, 'utf8'), TABLES, store));

  async function measure(table: (typeof TABLES)[string], row: (typeof table.rows)[number], seed: number) {
    const wanted = { train: commandOf(table, row), evaluate: table.evaluate, seed, engine: row.engine };
    if (row.engine === 'pytorch' && missing !== undefined) return;
    if (!store.find(wanted)) await store.add(await makeResult(table, row, seed, options));
  }
}

function refuse(why: string): void {
  console.error(`${why}\n\n${USAGE}`);
  process.exitCode = 1;
}

// Driver threads may keep the process alive, so exit by hand, once what was printed has left through the pipe.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
