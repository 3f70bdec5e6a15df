import { type ConvShape, convFlops, shapeName } from '../peers/peer.ts';
import { figure, percent, type Table } from '../report/table.ts';
import { DIRECTIONS, type KernelUse, type LayerUse } from './cases.ts';
import { type Inspection, share, type Target } from './inspect.ts';
import { MEASURED } from './measured.ts';

/** A kernel of a step or layer, with its result for every target. */
export interface Inspected {
  use: KernelUse;
  on: readonly Inspection[];
}

export interface InspectedLayer extends Omit<LayerUse, 'uses'> {
  shape: ConvShape;
  kernels: readonly Inspected[];
}

export const KERNEL_COLUMNS = [
  ...['registers', 'spills', 'wg. memory', 'waves', 'multiply-adds', 'vector', 'share', 'integer ×'],
  ...['wg. memory ops', 'loads, stores', 'scalar', 'branches', 'cycles a wave'],
];

export const kernelCells = (seen: Inspection): string[] => {
  const { registers, spills, workgroupMemory, waves, inverseThroughput, counts } = seen;
  return [
    ...[registers, spills, workgroupMemory, waves, counts.multiplyAdds, counts.vector].map(String),
    counts.multiplyAdds > 0 ? percent(share(seen)) : '',
    ...[counts.integerMultiplies, counts.workgroupMemory, counts.memory, counts.scalar + counts.scalarMemory],
    ...[counts.branches, inverseThroughput],
  ].map(String);
};

const NOTES = [
  'Counts are of one pass of the innermost loop with the most multiply-adds (of all, in brackets, where there is no loop).',
  'Share: multiply-adds among the vector instructions of a pass; two that are issued as one count as one.',
  "Waves: of 32 lanes, that a SIMD unit holds at once. Cycles: the compiler's guess for one wave where the SIMD is full.",
];

/** The five layers on one target. */
export function layerTable(layers: readonly InspectedLayer[], targets: readonly Target[], at: number): Table {
  return {
    title: `Convolutions, ${targets[at]?.title}`,
    columns: ['layer', 'direction', 'choice', 'workgroups', ...KERNEL_COLUMNS],
    rows: layers.flatMap(({ shape, direction, choice, kernels: [main] }) => {
      if (!main) return [];
      const seen = main.on[at] as Inspection;
      return [[shapeName(shape), direction, choice, String(main.use.workgroups), ...kernelCells(seen)]];
    }),
    notes: NOTES,
  };
}

/** Every kernel of a step on one target. */
export function stepTable(name: string, kernels: readonly Inspected[], targets: readonly Target[], at: number): Table {
  return {
    title: `Step ${name}, ${targets[at]?.title}`,
    columns: ['kernel', 'dispatches', 'workgroups', ...KERNEL_COLUMNS],
    rows: kernels.map(({ use: { kernel, dispatches, workgroups }, on }) => {
      const seen = on[at] as Inspection;
      const label = seen.loop ? kernel.label : `(${kernel.label})`;
      return [label, String(dispatches), String(workgroups), ...kernelCells(seen)];
    }),
    notes: NOTES,
  };
}

/** Targets for a convolution's loop on RDNA 3. */
const WANTED: readonly { column: string; holds(seen: Inspection): boolean }[] = [
  { column: 'multiply-adds ≥ 80 %', holds: (seen) => share(seen) >= 0.8 },
  { column: 'no integer ×', holds: ({ counts }) => counts.integerMultiplies === 0 },
  { column: '≤ 2 branches', holds: ({ counts }) => counts.branches <= 2 },
  { column: 'no spills', holds: ({ spills }) => spills === 0 },
  { column: '≥ 8 waves', holds: ({ waves }) => waves >= 8 },
];

/** Checks every layer and direction against the goals, for these GPUs. */
export function wantedTable(layers: readonly InspectedLayer[], targets: readonly Target[], places: readonly number[]) {
  let missed = 0;
  const rows = layers.flatMap(({ shape, direction, kernels: [main] }) =>
    places.map((at) => {
      const holds = WANTED.map(({ holds }) => main !== undefined && holds(main.on[at] as Inspection));
      missed += holds.filter((held) => !held).length;
      return [shapeName(shape), direction, targets[at]?.title ?? '', ...holds.map((held) => (held ? 'met' : 'MISSED'))];
    }),
  );
  const columns = ['layer', 'direction', 'target', ...WANTED.map(({ column }) => column)];
  return { table: { title: 'Wanted', columns, rows, notes: [`${missed} missed.`] } satisfies Table, missed };
}

/** The share of multiprocessors that work on average: the last round of workgroups leaves some idle. */
export const filled = (workgroups: number, multiprocessors: number): number =>
  workgroups / (multiprocessors * Math.ceil(workgroups / multiprocessors));

/**
 * Predictions beside a GPU's measurements. The prediction is the share of the roof that remains after instructions other
 * than multiply-adds, and after multiprocessors without work.
 */
export function predictionTable(layers: readonly InspectedLayer[], at: number, sameKernel: boolean): Table {
  const points = layers.flatMap(({ shape, direction, choice, kernels: [main] }, i) => {
    const ms = MEASURED.milliseconds[Math.floor(i / DIRECTIONS.length)]?.[DIRECTIONS.indexOf(direction)];
    if (!main || ms === undefined) return [];
    const part = share(main.on[at] as Inspection);
    const busy = filled(main.use.workgroups, MEASURED.multiprocessors);
    return [{ shape, direction, choice, part, busy, measured: convFlops(shape) / ms / 1e6 / MEASURED.roof }];
  });
  const correlation = pearson(
    points.map((p) => p.part * p.busy),
    points.map((p) => p.measured),
  );
  const ratio = points.reduce((sum, p) => sum + p.measured / (p.part * p.busy), 0) / points.length;
  const agreement = `Correlation ${correlation.toFixed(2)}; on average the GPU reaches ${figure(ratio)} of what is predicted.`;
  return {
    title: `Predicted, and measured on an ${MEASURED.gpu} on ${MEASURED.date}${sameKernel ? '' : ' of the kernels of then'}`,
    columns: [
      'layer',
      'direction',
      'choice',
      'multiply-adds',
      'filled',
      'predicted',
      'measured',
      'measured / predicted',
    ],
    rows: points.map(({ shape, direction, choice, part, busy, measured }) => [
      shapeName(shape),
      direction,
      choice,
      ...[part, busy, part * busy, measured].map(percent),
      sameKernel ? figure(measured / (part * busy)) : '',
    ]),
    notes: [
      'Filled: workgroups by the room for them, one on each multiprocessor a round.',
      sameKernel
        ? agreement
        : 'The kernels have changed since, so the two cannot be compared; see isa-2026-11-28-before.md for those that were measured.',
    ],
  };
}

function pearson(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const sum = (f: (i: number) => number) => x.reduce((total, _, i) => total + f(i), 0);
  const dx = (i: number) => (x[i] as number) - mx;
  const dy = (i: number) => (y[i] as number) - my;
  return sum((i) => dx(i) * dy(i)) / Math.sqrt(sum((i) => dx(i) ** 2) * sum((i) => dy(i) ** 2));
}
