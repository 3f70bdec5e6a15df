import { type Recorded, record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import { interleave, type Outcome, summary, type Timing, timing } from '../measure.ts';
import { timed } from '../peers/peer.ts';
import { figure, percent, spread } from '../report/table.ts';
import { memoryElements } from '../roofline/roofline.ts';
import { atLeast, type Bench, type Point, rate, type SectionResult } from '../section.ts';
import { type MemoryOp, memoryOps } from './ops.ts';

/** Target: share of the copy bandwidth. */
const WANTED_SHARE = 0.7;
/**
 * How many times a program holds an operation, to amortise submitting and waiting, and the one forward pass before many
 * backward passes.
 */
const FORWARDS = 4;
const BACKWARDS = 8;

interface MemoryRow {
  name: string;
  bytes: number;
  flops: number;
  outcome: Outcome;
}

/** Compares operations that only move memory with the copy bandwidth of the same run. */
export async function memorySection(bench: Bench, elements = memoryElements(bench.device)): Promise<SectionResult> {
  const { copy } = await bench.roofline();
  const rows: MemoryRow[] = [];
  for (const build of memoryOps(bench.device, elements)) {
    const op = build();
    try {
      if (op.name.includes(bench.rows)) rows.push(...(await measureOp(bench, op)));
    } finally {
      for (const leaf of [...op.inputs, ...(op.others ?? [])]) leaf.dispose();
    }
  }
  const measured = rows.map((row) => ({ ...row, time: timing(row.outcome) }));
  return {
    data: rows.map((row) => ({ ...row, copy })),
    tables: [
      {
        title: 'Operations that only move memory',
        columns: ['operation', 'ms', 'min–max', 'MB', 'GB/s', 'of copy'],
        rows: measured.map(({ name, bytes, time }) => {
          if (!time) return [name, 'failed', '', figure(bytes / 1e6), '', ''];
          const gbs = rate(bytes, time);
          return [name, figure(time.median), spread(time), figure(bytes / 1e6), figure(gbs), percent(gbs / copy)];
        }),
        notes: [
          `Copy: ${figure(copy)} GB/s. MB: what must move, every input and output once (batch norm: x twice, and dy too in the backward).`,
          ...rows.flatMap(({ name, outcome }) => ('failed' in outcome ? [`${name} failed: ${outcome.failed}`] : [])),
        ],
      },
    ],
    checks: measured.map(({ name, bytes, time }) => {
      return atLeast(`memory: ${name}`, WANTED_SHARE * 100, time && (rate(bytes, time) / copy) * 100, ' %');
    }),
    points: measured.flatMap(({ name, bytes, flops, time }): Point[] => {
      if (!time || flops === 0) return [];
      return [{ who: 'pixtape', what: name, mode: 'memory', intensity: flops / bytes, gflops: rate(flops, time) }];
    }),
  };
}

/**
 * Times forward and backward of one operation. A backward pass needs its forward pass in the same program. So its time
 * is that of a program with one forward and several backward passes, minus that of a forward pass of the same round.
 */
async function measureOp(bench: Bench, op: MemoryOp): Promise<MemoryRow[]> {
  bench.progress(`memory ${op.name}`);
  const { device } = bench;
  const programs: Recorded<unknown>[] = [];
  const entry = async (name: string, body: () => unknown) => {
    const program = await record(device, () => void body());
    programs.push(program);
    const run = (times: number) =>
      timed(async () => {
        program.run(times);
        await device.check();
      });
    return { name, run };
  };
  for (const input of op.inputs) input.requiresGrad = true;
  let seed: Tensor | undefined;
  try {
    const entries = [
      await entry('forward', () => {
        for (let i = 0; i < FORWARDS; i++) op.run();
      }),
    ];
    if (op.moves[1] > 0) {
      const backward = await entry('both', () => {
        const y = op.run() as Tensor;
        seed ??= Tensor.zeros(device, y.shape, 'seed');
        for (let i = 0; i < BACKWARDS; i++)
          y.node?.backward(
            seed,
            y.node.inputs.map((t) => t.requiresGrad),
          );
      });
      entries.push(backward);
    }
    const outcomes = await interleave(entries, bench.rounds);
    return ['forward', 'backward'].slice(0, entries.length).map((pass, i) => ({
      name: op.moves[1] > 0 ? `${op.name}, ${pass}` : op.name,
      bytes: (op.moves[i] as number) * 4,
      flops: op.flops[i] as number,
      outcome: i === 0 ? forwardOf(outcomes) : backwardOf(outcomes),
    }));
  } finally {
    for (const program of programs) program.destroy();
    if (seed) seed.dispose();
  }
}

function forwardOf(outcomes: Map<string, Outcome>): Outcome {
  const all = outcomes.get('forward') as Outcome;
  return 'failed' in all ? all : summary(all.rounds.map((ms) => ms / FORWARDS));
}

function backwardOf(outcomes: Map<string, Outcome>): Outcome {
  const both = outcomes.get('both') as Outcome;
  if ('failed' in both) return both;
  const forward = timing(forwardOf(outcomes)) as Timing;
  const rounds = both.rounds.map((ms, i) => (ms - (forward.rounds[i] ?? forward.median)) / BACKWARDS);
  const result = summary(rounds);
  if (result.median > 0) return result;
  return { failed: 'too noisy: forward and backward took no longer than the forward alone' };
}
