import type { DriverKind } from '../../src/drivers/index.ts';
import { type Timing, timing } from '../measure.ts';
import { CONV_PARTS } from '../peers/ours.ts';
import { convBytes, convFlops, shapeName } from '../peers/peer.ts';
import { figure, percent, spread, type Table } from '../report/table.ts';
import { atLeast, type Check, type Point, rate, type SectionResult } from '../section.ts';
import { AGREED, type ConvRow, MODES, type Mode } from './conv.ts';

/** Targets: how many times faster than each peer, by driver. There is none on a GPU. */
const WANTED: Partial<Record<DriverKind, Record<Mode, Readonly<Record<string, number>>>>> = {
  lavapipe: { forward: { 'TF.js': 6, 'jax-js': 6 }, 'forward + gradients': { 'TF.js': 10, 'jax-js': 8 } },
  swiftshader: { forward: { 'TF.js': 4, 'jax-js': 4 }, 'forward + gradients': { 'TF.js': 4, 'jax-js': 4 } },
};

/** Slowest round over fastest above which something else disturbed the run. */
const DISTURBED = 2;

/** The gradients of input and weight are as much work as the forward each. */
const flopsOf = (row: ConvRow, mode: Mode): number => convFlops(row.shape) * (mode === 'forward' ? 1 : 3);

const timeOf = (row: ConvRow, mode: Mode, who: string): Timing | undefined => timing(row.compared[mode].get(who));

export function reportConvolutions(
  rows: readonly ConvRow[],
  peers: readonly string[],
  ceiling: number,
  kind: DriverKind,
): SectionResult {
  const compared = rows.filter((row) => row.sideBySide);
  return {
    data: rows.map(asData),
    tables: [
      ...MODES.map((mode) => oursTable(rows, mode, peers, ceiling)),
      ...MODES.filter(() => compared.length > 0 && peers.length > 0).map((mode) => peerTable(compared, mode, peers)),
      ...(rows.some((row) => row.parts.size > 0) ? [partsTable(rows, ceiling)] : []),
    ],
    checks: checks(compared, kind),
    points: compared.flatMap((row) => MODES.flatMap((mode) => points(row, mode))),
  };
}

function oursTable(rows: readonly ConvRow[], mode: Mode, peers: readonly string[], ceiling: number): Table {
  const cells = (row: ConvRow): string[] => {
    const ours = timeOf(row, mode, 'pixtape');
    if (!ours) return [shapeName(row.shape), 'failed'];
    const gflops = rate(flopsOf(row, mode), ours);
    const ratios = peers.map((peer) => {
      if (Number(row.differences.get(peer)) > AGREED) return 'differs';
      const theirs = timeOf(row, mode, peer);
      return theirs ? `${figure(theirs.median / ours.median)}×` : row.differences.has(peer) ? 'failed' : '';
    });
    return [
      shapeName(row.shape),
      figure(ours.median),
      spread(ours),
      figure(gflops),
      percent(gflops / ceiling),
      ...ratios,
    ];
  };
  return {
    title: `Convolution, ${mode}`,
    columns: ['layer', 'ms', 'min–max', 'GFLOP/s', 'of roofline', ...peers.map((peer) => `vs ${peer}`)],
    rows: rows.map(cells),
    notes: [
      `Roofline: ${figure(ceiling)} GFLOP/s of multiply-adds in registers. "vs": how many times faster than the peer.`,
      ...failures(rows, mode),
    ],
  };
}

/** Notes on engines that failed, results that differ, and rounds that were disturbed. */
function failures(rows: readonly ConvRow[], mode: Mode): string[] {
  return rows.flatMap((row) => {
    const name = shapeName(row.shape);
    const wrong = [...row.differences].flatMap(([who, by]) => {
      if (typeof by === 'string') return [`${name}: ${who} failed: ${by}`];
      return by <= AGREED ? [] : [`${name}: ${who}'S RESULTS DIFFER from ours by ${by.toExponential(1)}`];
    });
    const failed = [...row.compared[mode]].flatMap(([who, outcome]) => {
      if ('failed' in outcome) return [`${name}: ${who} failed: ${outcome.failed}`];
      return outcome.max > DISTURBED * outcome.min
        ? [`${name}: ${who}'s rounds differ by more than a factor of ${DISTURBED}: was the machine idle?`]
        : [];
    });
    return [...wrong, ...failed];
  });
}

function peerTable(rows: readonly ConvRow[], mode: Mode, peers: readonly string[]): Table {
  const cells = (row: ConvRow, peer: string): string[] => {
    const theirs = timeOf(row, mode, peer);
    return theirs ? [figure(theirs.median), spread(theirs), figure(rate(flopsOf(row, mode), theirs))] : ['', '', ''];
  };
  return {
    title: `Peers, ${mode}`,
    columns: ['layer', ...peers.flatMap((peer) => [`${peer} ms`, 'min–max', 'GFLOP/s'])],
    rows: rows.map((row) => [shapeName(row.shape), ...peers.flatMap((peer) => cells(row, peer))]),
    notes: [],
  };
}

function partsTable(rows: readonly ConvRow[], ceiling: number): Table {
  const cells = (row: ConvRow, part: string): string[] => {
    const time = timing(row.parts.get(part));
    if (!time) return ['failed', '', ''];
    const gflops = rate(convFlops(row.shape), time);
    return [figure(time.median), figure(gflops), percent(gflops / ceiling)];
  };
  const failed = rows.flatMap((row) =>
    [...row.parts].flatMap(([part, outcome]) => {
      return 'failed' in outcome ? [`${shapeName(row.shape)}: ${part} failed: ${outcome.failed}`] : [];
    }),
  );
  return {
    title: 'Our convolution, each part by itself',
    columns: ['layer', ...CONV_PARTS.flatMap((part) => [`${part} ms`, 'GFLOP/s', 'of roofline'])],
    rows: rows.map((row) => [shapeName(row.shape), ...CONV_PARTS.flatMap((part) => cells(row, part))]),
    notes: failed,
  };
}

function checks(rows: readonly ConvRow[], kind: DriverKind): Check[] {
  const wanted = WANTED[kind];
  if (!wanted) return [];
  return rows.flatMap((row) =>
    MODES.flatMap((mode) =>
      Object.entries(wanted[mode]).map(([peer, least]) => {
        const ours = timeOf(row, mode, 'pixtape');
        const theirs = timeOf(row, mode, peer);
        const agreed = Number(row.differences.get(peer)) <= AGREED;
        const ratio = ours && theirs && agreed ? theirs.median / ours.median : undefined;
        return atLeast(`conv ${shapeName(row.shape)}, ${mode}, against ${peer}`, least, ratio, '×');
      }),
    ),
  );
}

function points(row: ConvRow, mode: Mode): Point[] {
  const intensity = convFlops(row.shape) / convBytes(row.shape);
  return [...row.compared[mode]].flatMap(([who, outcome]) => {
    const time = timing(outcome);
    if (!time) return [];
    return [{ who, what: shapeName(row.shape), mode, intensity, gflops: rate(flopsOf(row, mode), time) }];
  });
}

function asData(row: ConvRow): unknown {
  const outcomes = (map: Map<string, unknown>) => Object.fromEntries(map);
  const compared = Object.fromEntries(MODES.map((mode) => [mode, outcomes(row.compared[mode])]));
  const { shape, sideBySide, parts, differences } = row;
  const flops = convFlops(shape);
  return {
    layer: shapeName(shape),
    shape,
    sideBySide,
    flops,
    compared,
    parts: outcomes(parts),
    differences: outcomes(differences),
  };
}
