import type { ConvDirection } from '../../src/engine/ops/conv/algorithm.ts';
import type { ConvGeometry } from '../../src/engine/ops/conv/geometry.ts';
import type { Trial } from '../../src/pix2pix/train/autotune/benchmark.ts';
import { ConvBenchmark } from '../../src/pix2pix/train/autotune/conv_benchmark.ts';
import { AGREED, relativeError } from '../conv/conv.ts';
import { COMPARED, chosen } from '../conv/shapes.ts';
import { interleave, type Outcome, timing } from '../measure.ts';
import { type ConvShape, convFlops, outSide, shapeName } from '../peers/peer.ts';
import { figure, type Table } from '../report/table.ts';
import { type Bench, rate, type SectionResult } from '../section.ts';
import { ladder, type Rung } from './rungs.ts';

const DIRECTIONS: readonly ConvDirection[] = ['forward', 'inputGradient', 'weightGradient'];

/** One step of the ladder on one layer in one direction. */
export interface LadderRow {
  layer: string;
  direction: ConvDirection;
  what: string;
  choice: string;
  taken: boolean;
  /** The largest difference from the first step, relative to the largest value; undefined without a result. */
  difference: number | undefined;
  outcome: Outcome;
  /** By the operations of the definition; undefined if the step failed or gave another result. */
  gflops: number | undefined;
}

/** Times every step of the convolution's ladder on the compared layers, forward and both gradients. */
export async function ladderSection(bench: Bench): Promise<SectionResult> {
  const shapes = chosen(COMPARED, bench.rows);
  const rows: LadderRow[] = [];
  for (const shape of shapes) {
    for (const direction of DIRECTIONS) rows.push(...(await climb(bench, shape, direction)));
  }
  return { data: rows, tables: [tableOf(rows)], checks: [], points: [] };
}

/**
 * Runs every step for one layer in one direction: compares its result with the definition's, then times all in turn.
 */
export async function climb(bench: Bench, shape: ConvShape, direction: ConvDirection): Promise<LadderRow[]> {
  const g = geometryOf(shape);
  const problem = new ConvBenchmark(bench.device, direction, g);
  const steps: Step[] = [];
  try {
    let definition: Float32Array | undefined;
    for (const rung of ladder(bench.device, direction, g)) {
      const step: Step = { rung };
      steps.push(step);
      bench.progress(`ladder ${shapeName(shape)} ${direction}: ${rung.choice.name}`);
      try {
        step.trial = await problem.open(rung.choice);
        await step.trial.run();
        const values = await step.trial.result();
        definition ??= values;
        step.difference = relativeError(definition, values);
      } catch (error) {
        step.failed = (error as Error).message.split('\n')[0] ?? '';
      }
    }
    const entries = steps.flatMap(({ rung, trial, difference }) => {
      return trial && difference !== undefined ? [{ name: rung.choice.name, run: () => trial.run() }] : [];
    });
    // A trial already repeats short runs.
    const outcomes = await interleave(entries, { ...bench.rounds, least: 0 });
    return steps.map(({ rung: { what, choice, taken }, difference, failed = '' }) => {
      const outcome = outcomes.get(choice.name) ?? { failed };
      const time = Number(difference) <= AGREED ? timing(outcome) : undefined;
      const gflops = time && rate(convFlops(shape), time);
      return { layer: shapeName(shape), direction, what, choice: choice.name, taken, difference, outcome, gflops };
    });
  } finally {
    for (const { trial } of steps) trial?.destroy();
    problem.destroy();
  }
}

/** A rung on the device, or why it could not run. */
interface Step {
  rung: Rung;
  trial?: Trial;
  difference?: number;
  failed?: string;
}

function tableOf(rows: readonly LadderRow[]): Table {
  const layers = [...new Set(rows.map(({ layer }) => layer))];
  const rungs = [...new Map(rows.map(({ what, choice }) => [`${what}|${choice}`, { what, choice }])).values()];
  const cell = (choice: string, direction: ConvDirection): string => {
    const here = rows.filter((row) => row.choice === choice && row.direction === direction);
    const rates = here.flatMap(({ gflops }) => (gflops === undefined ? [] : [gflops])).sort((a, b) => a - b);
    if (rates.length === 0) return here.length > 0 ? 'failed' : '';
    const range = [...new Set([rates[0], rates.at(-1)].map((value) => figure(value as number)))].join('–');
    const taken = here.filter((row) => row.taken).length;
    return taken > 0 ? `${range} (${taken})` : range;
  };
  const names = ['forward', 'input gradient', 'weight gradient'];
  return {
    title: `The ladder of the 3×3 convolution, GFLOP/s: ${layers.join(', ')}`,
    columns: ['step', 'kernels', ...names],
    rows: rungs.map(({ what, choice }) => [what, choice, ...DIRECTIONS.map((direction) => cell(choice, direction))]),
    notes: [
      'Slowest and fastest of the layers. In brackets: on how many layers the engine takes it without a measurement.',
      'GFLOP/s are those of the definition, so a Winograd kernel may pass the roofline.',
      ...rows.flatMap(problemOf),
    ],
  };
}

/** Describes what went wrong with a step. */
function problemOf({ layer, direction, choice, difference, outcome }: LadderRow): string[] {
  if ('failed' in outcome) return [`${layer}, ${direction}: ${choice} failed: ${outcome.failed}`];
  if (Number(difference) <= AGREED) return [];
  return [`${layer}, ${direction}: ${choice} DIFFERS from the definition by ${Number(difference).toExponential(1)}`];
}

function geometryOf(shape: ConvShape): ConvGeometry {
  const { batch, inC, outC, side, kernel, padding } = shape;
  const out = outSide(shape);
  return {
    ...{ batch, inC, inH: side, inW: side, outC, outH: out, outW: out },
    ...{ kernelH: kernel, kernelW: kernel, strideH: 1, strideW: 1, padH: padding, padW: padding },
    ...{ dilationH: 1, dilationW: 1, groups: 1 },
  };
}
