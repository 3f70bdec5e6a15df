import type { Device } from '../../../../gpu/device.ts';
import type { ConvDirection } from '../../algorithm.ts';

/** The tiles of `shaders/conv/gemm/conv_gemm.wgsl`, and the choice of one for a product. */

/** A tile: `down` × `across` invocations, each with rows / down × cols / across sums of it. */
export interface Tile {
  rows: number;
  cols: number;
  down: number;
  across: number;
}

/** The size of matrix products: result[rows, cols] = a[rows, depth] · b[depth, cols]. */
export interface ProductSize {
  rows: number;
  cols: number;
  depth: number;
  /** Their number, one per group, with separate results. */
  products: number;
  /** Their number, one per picture, with results that are added up; default 1. */
  pictures?: number;
}

/** Vectors of four depth steps per pass: two tiles of 128 × 128 then take the 16 KiB that every device has. */
export const QUADS = 2;
export const SIDES = 2;
/** The fewest depth steps of the kernel. */
export const PASSES = 4 * QUADS * SIDES;

export const TILES: readonly Tile[] = [
  { rows: 128, cols: 128, down: 16, across: 16 },
  { rows: 128, cols: 64, down: 16, across: 8 },
  { rows: 64, cols: 128, down: 8, across: 16 },
  { rows: 64, cols: 64, down: 8, across: 8 },
  { rows: 32, cols: 128, down: 4, across: 32 },
  { rows: 32, cols: 64, down: 4, across: 16 },
  { rows: 32, cols: 32, down: 8, across: 8 },
  { rows: 16, cols: 128, down: 4, across: 16 },
  { rows: 16, cols: 64, down: 4, across: 16 },
];

/** The longest side of a tile. */
export const LARGEST_TILE = 128;

/** The number of tiles across and down. */
export function grid(tile: Tile, { rows, cols }: ProductSize): [number, number] {
  return [Math.ceil(cols / tile.cols), Math.ceil(rows / tile.rows)];
}

/** Whether a tile is not far larger than the product. */
export function worthTrying(tile: Tile, { rows, cols }: ProductSize): boolean {
  return tile.rows < 4 * rows && tile.cols < 4 * cols;
}

/** The fewest depth steps of a workgroup; and in the weight gradient the most, which bounds the rounding error. */
const SHORTEST_SHARE = 256;
const LONGEST_SHARE = 4096;
/**
 * Depth steps that splitting must save. Adding up the parts takes another dispatch, 17 µs on an H200, in which its
 * workgroups computed about as many steps.
 */
const WORTH_A_DISPATCH = 512;

/** What keeps a kind of device busy. */
export interface Parallelism {
  /** Invocations; with fewer, the depth is split. */
  invocations: number;
  /** Multiprocessors; with fewer workgroups some have no work, and so it is in the last wave. */
  processors: number;
}

/** A large GPU: 256 invocations on each multiprocessor. */
const GPU: Parallelism = { invocations: 32_768, processors: 128 };
/** A CPU is busy with anything. */
const CPU: Parallelism = { invocations: 1, processors: 1 };

export const parallelismOf = (device: Device): Parallelism => (device.capabilities.cpu ? CPU : GPU);

/** How the depth is split: the depth of a part, and the number of parts over all pictures. */
export function splitOf(
  tile: Tile,
  size: ProductSize,
  direction: ConvDirection,
  parallelism: Parallelism,
): { share: number; splits: number } {
  const [across, down] = grid(tile, size);
  const longest = direction === 'weightGradient' ? LONGEST_SHARE : Number.POSITIVE_INFINITY;
  const { pictures = 1 } = size;
  const invocations = across * down * pictures * size.products * tile.down * tile.across;
  const wanted = Math.max(parallelism.invocations / invocations, size.depth / longest);
  // In whole pairs of passes, so that no part begins within a pass.
  const share = Math.max(SHORTEST_SHARE, Math.ceil(size.depth / Math.ceil(wanted)));
  const whole = Math.min(Math.ceil(share / PASSES) * PASSES, size.depth);
  // The parts of weight gradients are added up together, at the end.
  if (direction !== 'weightGradient' && size.depth - whole < WORTH_A_DISPATCH) return { share: size.depth, splits: 1 };
  return { share: whole, splits: pictures * Math.ceil(size.depth / whole) };
}

/** Costs of a load from memory, a load from workgroup memory and a part, in multiply-adds of one invocation. */
const LOAD = 12;
const LOCAL_LOAD = 0.6;
const PART = 80;

/** The cost of a multiply-add and its local loads. */
type Arithmetic = (tile: Tile) => number;
const byInvocations: Arithmetic = ({ rows, cols, down, across }) => 1 + LOCAL_LOAD * (down / rows + across / cols);

/** The tiles, the fastest first by a model of arithmetic, memory traffic and the number of workgroups. */
export function byCost<T extends Tile = Tile>(
  size: ProductSize,
  direction: ConvDirection,
  parallelism: Parallelism,
  tiles: readonly T[] = TILES as readonly T[],
  arithmetic: Arithmetic = byInvocations,
): T[] {
  const cost = (tile: T): number => {
    const [across, down] = grid(tile, size);
    const { splits } = splitOf(tile, size, direction, parallelism);
    const groups = across * down * splits * size.products;
    const each = arithmetic(tile) + LOAD * (1 / tile.rows + 1 / tile.cols);
    const { pictures = 1 } = size;
    const adding = splits > 1 ? (PART * splits) / (pictures * size.depth) : 0;
    const idle = Math.max(1 + parallelism.processors / 2 / groups, parallelism.processors / groups);
    return across * down * tile.rows * tile.cols * (each + adding) * idle;
  };
  return [...tiles].sort((a, b) => cost(a) - cost(b));
}
