import matrixSource from '../../../../../../shaders/conv/gemm/conv_matrix.wgsl';
import type { Device } from '../../../../gpu/device.ts';
import type { Kernel } from '../../../../gpu/shader/kernel.ts';
import { type MatrixUnit, matrixConstants, onMatrixUnit } from '../../../../gpu/shader/matrix_unit.ts';
import { type ConvAlgorithm, parseSizes } from '../../algorithm.ts';
import { isProduct } from './gemm.ts';
import { type Cases, finished, operandConstants, productKernels, sizeOf } from './products.ts';
import { byCost, parallelismOf, type Tile, worthTrying } from './tiles.ts';

/**
 * Convolutions of any kind on a GPU's matrix unit; see `shaders/conv/gemm/conv_matrix.wgsl`. Operands are rounded to
 * halves (a relative error of at most 2^-11 each), and sums are floats, as under PyTorch's autocast. So only programs
 * of precision f16 are offered it.
 */

const source = finished(matrixSource);

/** Vectors of four depth steps per pass: the depth of one or two matrices. */
const QUADS = 4;
/**
 * Bytes of workgroup memory per row or column of a tile: two sides of QUADS vectors of halves, and two more vectors
 * against bank conflicts.
 */
const BYTES_A_LINE = 2 * (QUADS + 2) * 8;

/** A tile: `down` × `across` subgroups, each with rows / down × cols / across sums of it. */
export interface MatrixTile {
  rows: number;
  cols: number;
  down: number;
  across: number;
}

export const MATRIX_TILES: readonly MatrixTile[] = [
  { rows: 128, cols: 128, down: 2, across: 4 },
  { rows: 128, cols: 64, down: 4, across: 1 },
  { rows: 64, cols: 128, down: 2, across: 2 },
  { rows: 64, cols: 64, down: 2, across: 2 },
  { rows: 32, cols: 128, down: 1, across: 4 },
  { rows: 32, cols: 64, down: 1, across: 2 },
  { rows: 16, cols: 128, down: 1, across: 4 },
  { rows: 16, cols: 64, down: 1, across: 2 },
];

/**
 * The cost of a multiply-add relative to one by an invocation: units do a whole matrix in the time of a few of those.
 */
const MULTIPLY_ADD = 1 / 8;

/** `matrix ROWSxCOLUMNS`: the tile. */
export const matrix: ConvAlgorithm<MatrixTile> = {
  name: 'matrix',
  sources: Object.values(source),
  configs(device, g, direction) {
    const { matrixUnit: unit } = device.capabilities;
    if (!g.halves || !unit || !isProduct(device, g)) return [];
    const size = sizeOf(g, direction);
    const fitting = MATRIX_TILES.filter((tile) => fits(device, unit, tile));
    const tiles = fitting.map((tile) => ({ tile, ...inInvocations(unit, tile) }));
    const [best, ...others] = byCost(size, direction, parallelismOf(device), tiles, () => MULTIPLY_ADD);
    return [...(best ? [best] : []), ...others.filter((tile) => worthTrying(tile, size))].map(({ tile }) => tile);
  },
  kernels: (tile) =>
    productKernels((device) => {
      const unit = unitOf(device);
      return {
        name: 'conv_matrix',
        tile: inInvocations(unit, tile),
        quads: QUADS,
        kernelFor: (cases) => kernelFor(device, unit, tile, cases),
      };
    }),
  format: ({ rows, cols }) => `${rows}x${cols}`,
  parse(text) {
    const [rows, cols] = parseSizes(text, 2) ?? [];
    return MATRIX_TILES.find((t) => t.rows === rows && t.cols === cols);
  },
};

function unitOf({ capabilities: { matrixUnit }, description }: Device): MatrixUnit {
  if (!matrixUnit) throw new Error(`matrix: ${description} has no matrix unit; take one of convCandidates`);
  return matrixUnit;
}

/** The tile with invocations for subgroups, as the cost model expects it. */
function inInvocations({ subgroup }: MatrixUnit, { rows, cols, down, across }: MatrixTile): Tile {
  return { rows, cols, down, across: across * subgroup };
}

/** Whether a unit's matrices fill a tile, and its workgroup is within the device's limits. */
function fits({ limits }: Device, { m, n, subgroup, largestSubgroup }: MatrixUnit, tile: MatrixTile): boolean {
  const { rows, cols, down, across } = tile;
  const invocations = down * across * subgroup;
  const memory = BYTES_A_LINE * (rows + cols) + down * across * m * n * 4;
  return (
    (rows / down) % m === 0 &&
    (cols / across) % n === 0 &&
    invocations % largestSubgroup === 0 &&
    invocations <= Math.min(QUADS * cols, limits.maxComputeInvocationsPerWorkgroup) &&
    memory <= limits.maxComputeWorkgroupStorageSize
  );
}

function kernelFor(device: Device, unit: MatrixUnit, tile: MatrixTile, cases: Cases): Kernel {
  const { rows, cols, down, across } = tile;
  const invocations = down * across * unit.subgroup;
  const text = onMatrixUnit(unit, source[cases.rowSums ? 'rowSums' : 'plain']);
  return device.kernel(`conv_matrix ${matrix.format(tile)}`, text, 'main', {
    ...matrixConstants(unit),
    SUBGROUPS: down * across,
    SUBGROUPS_ACROSS: across,
    MATRICES_DOWN: rows / down / unit.m,
    MATRICES_ACROSS: cols / across / unit.n,
    STEPS: (4 * QUADS) / unit.k,
    ...operandConstants(tile, invocations, QUADS, cases),
  });
}
