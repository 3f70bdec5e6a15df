import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { formatBytes } from '../../src/engine/util/format.ts';
import type { Roofline } from '../roofline/roofline.ts';
import type { Bench, Check, SectionResult } from '../section.ts';
import { rooflinePlot } from './plot.ts';
import { asMarkdown, figure, percent, type Table } from './table.ts';

/** When, where and with which versions a run was made. */
export interface RunRecord {
  date: string;
  driver: string;
  cpu: string;
  cores: number;
  memory: string;
  /** Load average over the minute before: on a busy machine the figures mean little. */
  load: number;
  node: string;
  /** Dawn's package, this engine's commit, every peer. */
  versions: Record<string, string>;
  rounds: number;
}

export async function recordOf(bench: Bench, root: string): Promise<RunRecord> {
  const versions: Record<string, string> = { webgpu: packageVersion('webgpu') };
  const commit = git(root, 'rev-parse', '--short', 'HEAD');
  if (commit) versions.pixtape = commit + (git(root, 'status', '--porcelain') ? ', changed' : '');
  return {
    date: new Date().toISOString(),
    driver: bench.device.description,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: formatBytes(totalmem()),
    load: loadavg()[0] ?? 0,
    node: process.version,
    versions,
    rounds: bench.rounds.rounds,
  };
}

function git(root: string, ...args: string[]): string {
  const { stdout, status } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : '';
}

function packageVersion(name: string): string {
  return JSON.parse(readFileSync(join(dirname(createRequire(import.meta.url).resolve(name)), 'package.json'), 'utf8'))
    .version;
}

export function rooflineTable({ arithmetic, copy, tried }: Roofline): Table {
  return {
    title: 'Roofline of this run',
    columns: ['way', 'figure', 'unit', 'of the best'],
    rows: tried.map(({ name, value, unit }) => {
      return [name, figure(value), unit, percent(value / (unit === 'GB/s' ? copy : arithmetic))];
    }),
    notes: ['GB/s: bytes read and bytes written. A multiply-add counts as two operations.'],
  };
}

export function checkTable(checks: readonly Check[]): Table {
  return {
    title: 'Targets',
    columns: ['row', 'wanted', 'got', ''],
    rows: checks.map(({ row, wanted, got, state }) => [row, wanted, got, state]),
    notes: checks.length === 0 ? ['There is no target for this driver and these sections.'] : [],
  };
}

/** The driver's name as part of a file name. */
export function driverSlug({ kind, device }: Pick<Bench, 'kind' | 'device'>): string {
  if (kind !== 'gpu') return kind;
  return device.description
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

export interface RunResults {
  record: RunRecord;
  roofline: Roofline | undefined;
  sections: Record<string, SectionResult>;
}

/**
 * Writes `<name>.json`, `<name>.md` and, if there are points, the plot.
 * @param partial '' for a full run; other runs add it to the file name, so that they never replace a full one
 * @returns the paths
 */
export function writeResults(
  folder: string,
  slug: string,
  partial: string,
  results: RunResults,
  tables: Table[],
): string[] {
  const { record, roofline, sections } = results;
  const name = `${slug}-${record.date.slice(0, 10)}${partial}`;
  const all = Object.values(sections);
  const points = all.flatMap((section) => section.points);
  const data = Object.fromEntries(Object.entries(sections).map(([key, section]) => [key, section.data]));
  const files: [string, string][] = [
    [
      `${name}.json`,
      `${JSON.stringify({ ...record, roofline, ...data, checks: all.flatMap((s) => s.checks) }, null, 1)}\n`,
    ],
    [`${name}.md`, markdown(record, tables)],
  ];
  if (roofline && points.some((p) => p.mode !== 'memory')) {
    files.push([
      `roofline-${slug}${partial}.svg`,
      rooflinePlot(points, roofline, `${record.driver}, ${record.date.slice(0, 10)}`),
    ]);
  }
  mkdirSync(folder, { recursive: true });
  return files.map(([file, content]) => {
    writeFileSync(join(folder, file), content);
    return join(folder, file);
  });
}

function markdown(record: RunRecord, tables: readonly Table[]): string {
  const { date, driver, cpu, cores, memory, node, versions, rounds } = record;
  const head = [
    `# Bench: ${driver}, ${date.slice(0, 10)}`,
    `${cpu}, ${cores} cores, ${memory}; Node ${node}; ${Object.entries(versions)
      .map(([k, v]) => `${k} ${v}`)
      .join('; ')}. Medians of ${rounds} interleaved rounds.`,
  ];
  return `${[...head, ...tables.map(asMarkdown)].join('\n\n')}\n`;
}
