import { commandOf } from './run.ts';
import type { Result, Store } from './store.ts';
import type { Measure, ResultTable } from './tables.ts';

const COLUMNS: Readonly<Record<Measure, { title: string; digits: number }>> = {
  pixel: { title: 'per pixel', digits: 3 },
  perClass: { title: 'per class', digits: 3 },
  iou: { title: 'class IoU', digits: 3 },
  l1: { title: 'L1', digits: 4 },
  ssim: { title: 'SSIM', digits: 3 },
  saturation: { title: 'saturation', digits: 3 },
  L: { title: 'L', digits: 3 },
  a: { title: 'a', digits: 3 },
  b: { title: 'b', digits: 3 },
  copyL1: { title: 'copying: L1', digits: 4 },
  copySsim: { title: 'copying: SSIM', digits: 3 },
};

/** Renders a table as Markdown, with the paper's figures after ours, if any. Rows that were not run stay empty. */
export function renderTable(table: ResultTable, store: Store): string {
  const { measures, rows, evaluate } = table;
  const of = (row: ResultTable['rows'][number]) =>
    store.all({ train: commandOf(table, row), evaluate, engine: row.engine });
  const papers = measures.filter((key) => rows.some(({ paper }) => paper?.[key] !== undefined));
  const head = [
    '',
    ...measures.map((key) => COLUMNS[key].title),
    ...papers.map((key) => `paper: ${COLUMNS[key].title}`),
  ];
  const body = rows.map((row) => {
    const results = of(row);
    const ours = measures.map((key) => cell(results, key));
    return [row.title, ...ours, ...papers.map((key) => row.paper?.[key]?.toFixed(2) ?? '')];
  });
  const every = rows.flatMap(of);
  const { real } = table;
  if (real) {
    const ours = measures.map((key) => every[0]?.real[key]?.toFixed(COLUMNS[key].digits) ?? '');
    body.push(['real pictures', ...ours, ...papers.map((key) => real[key]?.toFixed(2) ?? '')]);
  }
  return `${markdown([head, ...body])}\n\n${circumstances(table, every)}`;
}

/** Formats columns as wide as their widest cell, names left-aligned and figures right-aligned. */
function markdown(lines: readonly string[][]): string {
  const widths = (lines[0] as string[]).map((_, i) => Math.max(3, ...lines.map((line) => (line[i] as string).length)));
  const padded = (line: readonly string[]) =>
    `| ${line.map((text, i) => (i === 0 ? text.padEnd(widths[i] as number) : text.padStart(widths[i] as number))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [padded(lines[0] as string[]), `| ${rule.join(' | ')} |`, ...lines.slice(1).map(padded)].join('\n');
}

/** The mean over the seeds, with half of the range beside it if there are several. */
function cell(results: readonly Result[], key: Measure): string {
  const values = results.flatMap(({ scores }) => scores[key] ?? []);
  if (values.length === 0) return '';
  const { digits } = COLUMNS[key];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const half = (Math.max(...values) - Math.min(...values)) / 2;
  return values.length === 1 ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${half.toFixed(digits)}`;
}

function circumstances({ train, evaluate }: ResultTable, results: readonly Result[]): string {
  if (results.length === 0) return 'No run yet.';
  const distinct = (values: readonly (string | number)[]) => [...new Set(values)].sort().join(', ');
  const seconds = results.map((result) => result.seconds.train);
  const loads = results.flatMap(({ load }) => load);
  const parts = [
    `\`pixtape train ${train}\`, then \`${`eval ${evaluate}`.trim()}\``,
    `seeds ${distinct(results.map(({ seed }) => seed))}`,
    `${distinct(results.map(({ steps }) => steps))} steps`,
    `${Math.min(...seconds)} to ${Math.max(...seconds)} s a run (load ${Math.min(...loads)} to ${Math.max(...loads)})`,
    distinct(results.map(({ cores, cpu }) => `${cores} cores of ${cpu}`)),
    distinct(results.map(({ adapter }) => adapter)),
    distinct(results.map(({ date }) => date.slice(0, 10))),
  ];
  return `${parts.join('; ')}.`;
}

/** Replaces the text between `<!-- results: NAME -->` and `<!-- /results -->`. @throws Error if a block has no end */
export function fillIn(document: string, tables: Readonly<Record<string, ResultTable>>, store: Store): string {
  return document.replace(/(<!-- results: (\S+) -->\n)([\s\S]*?)(?=<!-- \/results -->|$)/g, (_, start, name, old) => {
    const table = tables[name];
    if (!table) throw new Error(`there is no table named ${name}`);
    if (/<!-- results: /.test(old)) throw new Error(`the block of the table ${name} has no end`);
    return `${start}\n${renderTable(table, store)}\n\n`;
  });
}
