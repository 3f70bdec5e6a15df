import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedTensor } from '../../../src/engine/util/safetensors.ts';
import { writeFileAtomic } from '../../../src/files/files.ts';
import { allTensors, reading } from '../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { commandOf, type RunOptions, runName } from '../run.ts';
import type { ResultTable } from '../tables.ts';
import { TRAINED } from './train.ts';

/** Losses in the log and in PyTorch's file, with what they are called. */
const LOSSES = [
  { field: 'lossL1', curve: 'l1', title: 'L1, in the range −1 … 1' },
  { field: 'lossD', curve: 'disc', title: 'discriminator' },
] as const;
const COLOURS = { ours: '#1a73e8', theirs: '#e8710a' } as const;
/** A point is the mean of so many steps. */
const BIN = 20;
const PANEL = { width: 420, height: 210, left: 52, top: 30, right: 14, bottom: 34 };

export interface Line {
  by: keyof typeof COLOURS;
  /** A value for each step. */
  values: readonly number[];
}

export interface Panel {
  title: string;
  lines: readonly Line[];
}

/** Draws the losses of the table's charted rows, ours and PyTorch's, of all seeds whose runs are there. */
export async function drawChart(
  table: ResultTable,
  seeds: readonly number[],
  { root, runs }: RunOptions,
): Promise<void> {
  const { chart } = table;
  if (!chart) return;
  const rows = await Promise.all(chart.rows.map((title) => linesOf(table, title, seeds, runs)));
  if (rows.some(({ lines }) => lines.size === 0)) return console.warn(`${chart.file} is not drawn: a run is not there`);
  const panels = rows.map(({ title, lines }) =>
    LOSSES.map((loss) => ({ title: `${title}: ${loss.title}`, lines: lines.get(loss.curve) ?? [] })),
  );
  await writeFileAtomic(join(root, chart.file), chartOf(panels));
}

async function linesOf(table: ResultTable, title: string, seeds: readonly number[], runs: string) {
  const row = table.rows.find((each) => each.title === title);
  if (!row) throw new Error(`the table has no row ${title}`);
  const train = commandOf(table, row);
  const lines = new Map<string, Line[]>();
  for (const seed of seeds) {
    const log = join(runs, runName(train, seed), 'log.jsonl');
    const trained = join(runs, runName(train, seed, 'pytorch'), TRAINED);
    if (!existsSync(log) || !existsSync(trained)) continue;
    const logged = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const theirs = await reading(trained, allTensors);
    for (const { field, curve } of LOSSES) {
      const ours: Line = { by: 'ours', values: logged.map((line) => line[field]) };
      const other: Line = { by: 'theirs', values: numbersOf(theirs.get(`curve.${curve}`)) };
      lines.set(curve, [...(lines.get(curve) ?? []), ours, other]);
    }
  }
  return { title, lines };
}

const numbersOf = (tensor: NamedTensor | undefined) => [...((tensor?.data ?? []) as Float32Array)];

/** Panels in rows as an SVG: ours solid, PyTorch's dashed. */
export function chartOf(rows: readonly (readonly Panel[])[]): string {
  const { width, height } = PANEL;
  const [w, h] = [width * Math.max(...rows.map((row) => row.length)), height * rows.length];
  const drawn = rows.flatMap((row, j) =>
    row.map((panel, i) => `<g transform="translate(${i * width} ${j * height})">${drawPanel(panel)}</g>`),
  );
  const key = Object.entries({ ours: 'pixtape', theirs: 'PyTorch' }).map(([by, name], i) => {
    const x = 60 + 110 * i;
    const stroke = styleOf(by as Line['by']);
    return `<path d="M${x} ${h + 12}h24" ${stroke}/><text x="${x + 30}" y="${h + 16}">${name}</text>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h + 26}" viewBox="0 0 ${w} ${h + 26}" ` +
    `font-family="sans-serif" font-size="12">\n<title>Losses of pixtape and of PyTorch</title>\n<rect width="100%" height="100%" fill="white"/>\n` +
    `${[...drawn, ...key].join('\n')}\n</svg>\n`
  );
}

const styleOf = (by: Line['by']) =>
  `fill="none" stroke="${COLOURS[by]}" stroke-width="1.5"${by === 'theirs' ? ' stroke-dasharray="4 3"' : ''}`;

function drawPanel({ title, lines }: Panel): string {
  const { width, height, left, top, right, bottom } = PANEL;
  const binned = lines.map(({ by, values }) => ({ by, points: binsOf(values) }));
  const all = binned.flatMap(({ points }) => points.map(({ value }) => value));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const last = Math.max(...lines.map(({ values }) => values.length));
  const x = (step: number) => (left + ((width - left - right) * step) / last).toFixed(1);
  const y = (value: number) =>
    (height - bottom - ((height - top - bottom) * (value - low)) / (high - low || 1)).toFixed(1);
  const ticks = [low, (low + high) / 2, high].map(
    (value) =>
      `<path d="M${left} ${y(value)}H${width - right}" stroke="#ddd"/>` +
      `<text x="${left - 6}" y="${Number(y(value)) + 4}" text-anchor="end">${value.toPrecision(3)}</text>`,
  );
  const steps = [0, last / 2, last].map(
    (step) => `<text x="${x(step)}" y="${height - bottom + 16}" text-anchor="middle">${step}</text>`,
  );
  const paths = binned.map(
    ({ by, points }) => `<path d="M${points.map((p) => `${x(p.step)} ${y(p.value)}`).join('L')}" ${styleOf(by)}/>`,
  );
  return `<text x="${left}" y="18" font-weight="bold">${title}</text>${[...ticks, ...steps, ...paths].join('')}`;
}

function binsOf(values: readonly number[]): { step: number; value: number }[] {
  return Array.from({ length: Math.ceil(values.length / BIN) }, (_, i) => {
    const part = values.slice(i * BIN, (i + 1) * BIN);
    return { step: i * BIN + part.length / 2, value: part.reduce((sum, value) => sum + value, 0) / part.length };
  });
}
