import type { Entry } from '../../pix2pix/train/autotune/benchmark.ts';
import { operations, type Tuned } from '../../pix2pix/train/autotune/tune.ts';

const DIRECTIONS = { forward: 'forward', inputGradient: 'input grad', weightGradient: 'weight grad' };

/** A line per convolution, and below it the candidates that lost and why. */
export function tuneTable(tuned: readonly Tuned[]): string {
  const head = ['convolution', 'direction', 'uses', 'default', 'ms', 'chosen', 'ms', 'gain', 'GFLOP/s'];
  const rows = tuned.map(cells);
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] as string).length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (NUMBERS.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ');
  const blocks = rows.map((row, i) => [line(row), ...losers(tuned[i] as Tuned)].join('\n'));
  return [line(head), ...blocks, '', summary(tuned)].join('\n');
}

/** Right-aligned columns. */
const NUMBERS = new Set([2, 4, 6, 7, 8]);

function cells(tuned: Tuned): string[] {
  const { g, direction, uses, chosen } = tuned;
  const [first, own] = times(tuned);
  const kernel = [
    `${g.kernelH}×${g.kernelW}`,
    ...(g.strideH * g.strideW > 1 ? [`/${g.strideH}`] : []),
    ...(g.dilationH * g.dilationW > 1 ? [`d${g.dilationH}`] : []),
    ...(g.groups > 1 ? [`g${g.groups}`] : []),
  ].join(' ');
  const same = chosen === tuned.entries[0]?.choice;
  return [
    `${g.batch}×${g.inC}→${g.outC} ${kernel} @${g.inH}×${g.inW}`,
    DIRECTIONS[direction],
    String(uses),
    tuned.entries[0]?.choice ?? '',
    first.toPrecision(3),
    same ? '–' : chosen,
    own.toPrecision(3),
    same ? '' : `${Math.round(100 * (1 - own / first))} %`,
    (operations(g) / own / 1e6).toPrecision(3),
  ];
}

/** Milliseconds of the default and of the chosen algorithm. */
function times({ chosen, entries }: Tuned): [fallback: number, chosen: number] {
  const time = (entry: Entry | undefined) => entry?.ms ?? Number.NaN;
  return [time(entries[0]), time(entries.find((e) => e.choice === chosen))];
}

/** All candidates but the default and the winner, with their times and why they were excluded. */
function losers({ chosen, entries }: Tuned): string[] {
  const others = entries.slice(1).filter((e) => e.choice !== chosen);
  const raced = others.filter((e) => e.excluded === undefined).map(named);
  const left = [...new Set(others.flatMap((e) => (e.excluded === undefined ? [] : [e.excluded])))];
  const lines = left.map(
    (why) =>
      `${why}: ${others
        .filter((e) => e.excluded === why)
        .map(named)
        .join(', ')}`,
  );
  return [...(raced.length > 0 ? [`slower: ${raced.join(', ')}`] : []), ...lines].map((text) => `    ${text}`);
}

const named = ({ choice, ms }: Entry): string => `${choice}${ms === undefined ? '' : ` ${ms.toPrecision(3)}`}`;

function summary(tuned: readonly Tuned[]): string {
  const sum = (which: 0 | 1) => tuned.reduce((total, t) => total + t.uses * times(t)[which], 0);
  const changed = tuned.filter((t) => t.chosen !== t.entries[0]?.choice).length;
  const [before, after] = [sum(0).toPrecision(3), sum(1).toPrecision(3)];
  return `all convolutions of a training step: ${before} ms with the defaults, ${after} ms as chosen (${changed} of ${tuned.length} changed)`;
}
