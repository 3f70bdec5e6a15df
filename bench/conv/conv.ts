import { RandomStream } from '../../src/engine/util/random.ts';
import { type Entry, interleave, type Outcome } from '../measure.ts';
import { CONV_PARTS, loadOurs } from '../peers/ours.ts';
import {
  type ConvAnswer,
  type ConvProblem,
  type ConvShape,
  type LoadedConv,
  outSide,
  shapeName,
} from '../peers/peer.ts';
import type { Bench } from '../section.ts';
import { COMPARED, chosen, FURTHER } from './shapes.ts';

export const MODES = ['forward', 'forward + gradients'] as const;
export type Mode = (typeof MODES)[number];

/** The measurements of one shape. */
export interface ConvRow {
  shape: ConvShape;
  /** Peers were asked to compute it too, whether or not any could. */
  sideBySide: boolean;
  /** The outcome of each engine in each mode, ours under `pixtape`. */
  compared: Record<Mode, Map<string, Outcome>>;
  /** Our three kernels, each by itself. */
  parts: Map<string, Outcome>;
  /** The largest difference of each peer's results from ours, relative to the largest value; or its error message. */
  differences: Map<string, number | string>;
}

/** A peer that differs by more computes something else, so its time is not compared. */
export const AGREED = 1e-3;

/** Times every shape; `comparedOnly` skips the shapes that only ours is timed on. */
export async function measureConvolutions(bench: Bench, comparedOnly: boolean): Promise<ConvRow[]> {
  const rows: ConvRow[] = [];
  for (const shape of chosen(COMPARED, bench.rows)) rows.push(await measureShape(bench, shape, true, !comparedOnly));
  if (comparedOnly) return rows;
  for (const shape of chosen(FURTHER, bench.rows)) rows.push(await measureShape(bench, shape, false, true));
  return rows;
}

export async function measureShape(
  bench: Bench,
  shape: ConvShape,
  sideBySide: boolean,
  withParts: boolean,
): Promise<ConvRow> {
  bench.progress(`conv ${shapeName(shape)}`);
  const problem = randomProblem(shape);
  const ours = await loadOurs(bench.device, problem);
  const peers = new Map<string, LoadedConv>();
  const differences = new Map<string, number | string>();
  const loaded: LoadedConv[] = [ours];
  try {
    if (sideBySide) {
      const reference = await ours.answer();
      for (const peer of (await bench.peers()).peers) {
        try {
          const theirs = await peer.load(problem);
          loaded.push(theirs);
          differences.set(peer.name, difference(reference, await theirs.answer()));
          peers.set(peer.name, theirs);
        } catch (error) {
          differences.set(peer.name, (error as Error).message.split('\n')[0] ?? '');
        }
      }
    }
    const everybody = new Map<string, LoadedConv>([['pixtape', ours], ...peers]);
    const entries = (run: (conv: LoadedConv, times: number) => Promise<number>): Entry[] =>
      [...everybody].map(([name, conv]) => ({ name, run: (times) => run(conv, times) }));
    const compared = {
      forward: await interleave(
        entries((conv, times) => conv.forward(times)),
        bench.rounds,
      ),
      'forward + gradients': await interleave(
        entries((conv, times) => conv.both(times)),
        bench.rounds,
      ),
    };
    const parts = CONV_PARTS.map((part) => ({ name: part, run: (times: number) => ours.part(part, times) }));
    return { shape, sideBySide, compared, parts: await interleave(withParts ? parts : [], bench.rounds), differences };
  } finally {
    for (const conv of loaded) conv.free();
  }
}

function randomProblem(shape: ConvShape): ConvProblem {
  const { batch, inC, outC, side, kernel } = shape;
  const random = new RandomStream(5, inC, outC, side);
  const values = (n: number) => Float32Array.from({ length: n }, () => random.uniform() * 2 - 1);
  return {
    shape,
    x: values(batch * inC * side ** 2),
    w: values(outC * inC * kernel ** 2),
    r: values(batch * outC * outSide(shape) ** 2),
  };
}

/** The largest of the three tensors' largest errors, each relative to the tensor's largest value. */
export function difference(reference: ConvAnswer, answer: ConvAnswer): number {
  const names = ['y', 'dx', 'dw'] as const;
  return Math.max(...names.map((name) => relativeError(reference[name], answer[name])));
}

/** The largest error, relative to the largest wanted value; infinite if anything is NaN. */
export function relativeError(want: Float32Array, got: Float32Array): number {
  if (want.length !== got.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let largest = 0;
  for (const [i, value] of want.entries()) {
    const off = Math.abs(value - (got[i] as number));
    // NaN must not pass as agreement.
    if (!(off <= error)) error = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
    largest = Math.max(largest, Math.abs(value));
  }
  return error === 0 ? 0 : error / largest;
}
