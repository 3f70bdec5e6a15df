import type { MatrixUnit } from '../../src/engine/gpu/shader/matrix_unit.ts';
import { shapeName } from '../peers/peer.ts';
import { figure, percent, type Table } from '../report/table.ts';
import { type Inspection, MATRIX_SIDE } from './inspect.ts';
import type { InspectedLayer } from './report.ts';

/** Lanes of the waves that are looked at, and the cycles in which RDNA 3 multiplies two matrices and adds a third. */
export const WAVE = 32;
const CYCLES = 32;

/**
 * RDNA 3's matrix unit in waves of 32, whose types are those of the device at hand: undefined where it has no matrices of
 * subgroups, so that Dawn compiles none. `resizeMatrices` makes them what they are on RDNA 3.
 */
export function rdna3Unit(own: MatrixUnit | undefined): MatrixUnit | undefined {
  if (!own) return undefined;
  const { m, n, k } = own;
  const [left, right, sum] = [`<f16, ${k}, ${m}>`, `<f16, ${n}, ${k}>`, `<f32, ${n}, ${m}>`];
  const operations = own.operations
    .replace('<f16, K, M>', left)
    .replace('<f16, N, K>', right)
    .replace('<f32, N, M>', sum);
  return { m: MATRIX_SIDE, n: MATRIX_SIDE, k: MATRIX_SIDE, subgroup: WAVE, largestSubgroup: WAVE, operations };
}

/** Picks the tile that a GPU takes by itself among products of halves. */
export const pickMatrix = (names: readonly string[]): string =>
  names.find((name) => name.startsWith('matrix ')) ?? 'auto';

/** Cycles that a wave issues for one pass, and multiply-adds in it. */
function pass({ counts }: Inspection): { cycles: number; matrices: number; multiplyAdds: number } {
  const matrices = counts.matrixMultiplies;
  const others = counts.vector - matrices;
  const multiplyAdds = matrices * MATRIX_SIDE ** 3 + (counts.multiplyAdds - matrices) * WAVE;
  return { cycles: matrices * CYCLES + others, matrices, multiplyAdds };
}

/** Products of halves beside those of floats, on RDNA 3 in waves of 32. */
export function matrixTable(layers: readonly InspectedLayer[], floats: readonly InspectedLayer[], at: number): Table {
  return {
    title: 'Products of halves by matrix units (precision f16), RDNA 3, waves of 32',
    columns: [
      ...['layer', 'direction', 'choice', 'workgroups', 'registers', 'spills', 'wg. memory', 'waves'],
      ...['matrices', 'other vector', 'share', 'wg. memory ops', 'loads, stores', 'branches', '× gemm'],
    ],
    rows: layers.flatMap(({ shape, direction, choice, kernels: [main] }) => {
      const seen = main?.on[at];
      const before = floats.find((l) => l.shape === shape && l.direction === direction)?.kernels[0]?.on[at];
      if (!main || !seen || !before) return [];
      const [now, then] = [pass(seen), pass(before)];
      const faster = now.multiplyAdds / now.cycles / (then.multiplyAdds / then.cycles);
      const { counts } = seen;
      const cells = [main.use.workgroups, seen.registers, seen.spills, seen.workgroupMemory, seen.waves, now.matrices];
      return [
        [
          ...[shapeName(shape), direction, choice, ...cells.map(String), String(counts.vector - now.matrices)],
          ...[percent((now.matrices * CYCLES) / now.cycles), String(counts.workgroupMemory)],
          ...[String(counts.memory), String(counts.branches), figure(faster)],
        ],
      ];
    }),
    notes: [
      `Matrices: multiplications of 16 × 16 × 16 in one pass of the loop (v_wmma), each of ${CYCLES} cycles. Share: theirs of all vector cycles.`,
      '× gemm: multiply-adds a cycle, beside the same layer in floats. By instructions alone: memory and latency are not in it.',
    ],
  };
}
