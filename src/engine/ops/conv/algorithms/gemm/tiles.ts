import type { Device } from '../../../../gpu/device.ts';
import type { ConvDirection } from '../../algorithm.ts';

/** The tiles of `shaders/conv/gemm/conv_gemm.wgsl`, and which suits a product. */

/** A tile: `down` × `across` invocations, each with rows / down × cols / across sums of it. */
export interface Tile {
  rows: number;
  cols: number;
  down: number;
  across: number;
}

/** result[rows, cols] = a[rows, depth] · b[depth, cols], so many times. */
export interface ProductSize {
  rows: number;
  cols: number;
  depth: number;
  /** Such products, one for each group, whose results lie apart. */
  products: number;
  /** Such products, one for each picture, whose results are added up; 1 where left out. */
  pictures?: number;
}

/** Vectors of four depth steps that are brought at once: two tiles of 128 × 128 then are the 16 KiB that every device has. */
export const QUADS = 2;
export const SIDES = 2;
/** Depth steps that the kernel takes at least. */
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

/** Tiles across and down. */
export function grid(tile: Tile, { rows, cols }: ProductSize): [number, number] {
  return [Math.ceil(cols / tile.cols), Math.ceil(rows / tile.rows)];
}

/** Whether a tile is not far larger than the product. */
export function worthTrying(tile: Tile, { rows, cols }: ProductSize): boolean {
  return tile.rows < 4 * rows && tile.cols < 4 * cols;
}

/** Steps of depth that one workgroup sums over at least; and in the weight gradient at most, which bounds the rounding error. */
const SHORTEST_SHARE = 256;
const LONGEST_SHARE = 4096;
/**
 * Steps of depth that splitting has to save: adding up the parts is one dispatch more, and while one of those went to an H200
 * (17 µs), its workgroups did about as many steps.
 */
const WORTH_A_DISPATCH = 512;

/** What a kind of device needs to be busy. */
export interface Crew {
  /** Invocations: where there are fewer, the depth is split. */
  invocations: number;
  /** Multiprocessors: fewer workgroups leave some without work, and so does the last round of them. */
  processors: number;
}

/** A large GPU: 256 invocations on each multiprocessor. */
const GPU: Crew = { invocations: 32_768, processors: 128 };
/** A CPU is busy with anything. */
const CPU: Crew = { invocations: 1, processors: 1 };

export const crewOf = (device: Device): Crew => (device.capabilities.cpu ? CPU : GPU);

/** How the depth is split: a part's depth, and how many there are, those of all pictures together. */
export function splitOf(
  tile: Tile,
  size: ProductSize,
  direction: ConvDirection,
  crew: Crew,
): { share: number; splits: number } {
  const [across, down] = grid(tile, size);
  const longest = direction === 'weightGradient' ? LONGEST_SHARE : Number.POSITIVE_INFINITY;
  const { pictures = 1 } = size;
  const invocations = across * down * pictures * size.products * tile.down * tile.across;
  const wanted = Math.max(crew.invocations / invocations, size.depth / longest);
  // In whole pairs of passes, so that no part begins within one.
  const share = Math.max(SHORTEST_SHARE, Math.ceil(size.depth / Math.ceil(wanted)));
  const whole = Math.min(Math.ceil(share / PASSES) * PASSES, size.depth);
  // The parts of weight gradients are added up together, at the end.
  if (direction !== 'weightGradient' && size.depth - whole < WORTH_A_DISPATCH) return { share: size.depth, splits: 1 };
  return { share: whole, splits: pictures * Math.ceil(size.depth / whole) };
}

/** What a value read from memory, one read from workgroup memory and one of a part cost, in multiply-adds of one invocation. */
const LOAD = 12;
const LOCAL_LOAD = 0.6;
const PART = 80;

/** What a kernel spends on a multiply-add and the local loads for it. */
type Arithmetic = (tile: Tile) => number;
const byInvocations: Arithmetic = ({ rows, cols, down, across }) => 1 + LOCAL_LOAD * (down / rows + across / cols);

/** The tiles, the one first that should be the fastest, by the arithmetic and the traffic it takes and the workgroups it makes. */
export function byCost<T extends Tile = Tile>(
  size: ProductSize,
  direction: ConvDirection,
  crew: Crew,
  tiles: readonly T[] = TILES as readonly T[],
  arithmetic: Arithmetic = byInvocations,
): T[] {
  const cost = (tile: T): number => {
    const [across, down] = grid(tile, size);
    const { splits } = splitOf(tile, size, direction, crew);
    const groups = across * down * splits * size.products;
    const each = arithmetic(tile) + LOAD * (1 / tile.rows + 1 / tile.cols);
    const { pictures = 1 } = size;
    const adding = splits > 1 ? (PART * splits) / (pictures * size.depth) : 0;
    const idle = Math.max(1 + crew.processors / 2 / groups, crew.processors / groups);
    return across * down * tile.rows * tile.cols * (each + adding) * idle;
  };
  return [...tiles].sort((a, b) => cost(a) - cost(b));
}
