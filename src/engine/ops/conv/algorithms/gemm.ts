import gemmSource from '../../../../../shaders/conv/conv_gemm.wgsl';
import leakyRelu from '../../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { Device } from '../../../gpu/device.ts';
import type { Kernel } from '../../../gpu/shader/kernel.ts';
import { dispatch, split2d } from '../../../tape/dispatch.ts';
import type { Tensor } from '../../../tape/tensor.ts';
import type { ConvAlgorithm, ConvDirection } from '../algorithm.ts';
import { type ConvGeometry, geometryParams } from '../geometry.ts';
import { weightSlices } from '../slices.ts';
import { type Epilogue, reduceSplitK, splitKBuffer } from '../split_k.ts';

const source = `${gemmSource}\n${leakyRelu}`;

/** Convolutions of any kind on GPUs; see `shaders/conv/conv_gemm.wgsl`. Every function records into the program at hand. */

/**
 * The tile that a workgroup makes: `down` × `across` invocations, each with `r` × `c` blocks of 4 × 4; `steps` of depth are
 * brought into workgroup memory at once: 10 of the 16 KiB that every device has, at most.
 */
interface Tile {
  rows: number;
  cols: number;
  down: number;
  across: number;
  r: number;
  c: number;
  steps: number;
}

const tileOf = (down: number, across: number, r: number, c: number, steps: number): Tile => {
  return { rows: 4 * r * down, cols: 4 * c * across, down, across, r, c, steps };
};

/**
 * The largest first: most arithmetic for what is brought. Then one for the tuner, on an H200 seldom the fastest, and narrow ones
 * for products of which those would be too few.
 */
const TILES: readonly Tile[] = [
  tileOf(16, 16, 2, 2, 8),
  tileOf(16, 16, 1, 1, 16),
  tileOf(8, 32, 1, 1, 16),
  tileOf(4, 64, 1, 1, 8),
  tileOf(16, 16, 1, 2, 8),
  tileOf(8, 8, 1, 1, 8),
  tileOf(4, 16, 1, 1, 8),
];

/**
 * CPU drivers take seconds to compile what is written out or has many loads in a loop, and keep the sums in memory either
 * way: for them nothing is written out, a tile has fewer steps, and there is one kernel for every size.
 */
const rolledSource = source.replace(/^\s*\/\/ unroll$/gm, '');
const CPU_SHORTENS = 4;

/** Workgroups enough to fill a large GPU: where tiles are fewer, the depth is split. */
const ENOUGH_WORKGROUPS = 256;
/** Steps of depth that one workgroup sums over at least; and in the weight gradient at most, which bounds the rounding error. */
const SHORTEST_SHARE = 256;
const LONGEST_SHARE = 4096;

/** `gemm ROWSxCOLUMNS`: the tile. */
export const gemm: ConvAlgorithm<Tile> = {
  name: 'gemm',
  sources: [source],
  configs(device, g, direction) {
    if (g.groups > 1 || g.dilationH * g.dilationW > 1) return [];
    const size = sizeOf(g, direction);
    const own = ownTile(size);
    // On a CPU it is only for what the other kernels cannot do.
    if (device.capabilities.cpu) return [own];
    const fits = TILES.filter((tile) => tile !== own && tile.rows < 4 * size.rows && tile.cols < 4 * size.cols);
    return [own, ...fits];
  },
  kernels: (tile) => ({
    forward: (g, x, w, bias, y, slope = 1) => {
      const finish = { bias, slope, channels: g.outC, plane: g.outH * g.outW };
      multiply(tile, g, 'forward', w, { b: x, result: y, finish });
    },
    inputGradient: (g, dy, w, bias, dx) => {
      const finish = { bias, slope: 1, channels: g.inC, plane: g.inH * g.inW };
      multiply(tile, g, 'inputGradient', w, { b: dy, result: dx, finish });
    },
    weightGradient: (g, x, dy, dw) => multiply(tile, g, 'weightGradient', dw, { a: dy, b: x }),
  }),
  format: ({ rows, cols }) => `${rows}x${cols}`,
  parse: (text) => TILES.find((t) => gemm.format(t) === text),
};

/** The first tile of which no more than a third is idle; a narrower one where such tiles are too few to fill a GPU. */
function ownTile({ rows, cols }: Size): Tile {
  const count = (tile: Tile) => Math.ceil(rows / tile.rows) * Math.ceil(cols / tile.cols);
  const wasted = (tile: Tile) => 1 - (rows * cols) / (count(tile) * tile.rows * tile.cols);
  const least = Math.min(...TILES.map(wasted));
  const first = TILES.find((tile) => wasted(tile) <= Math.max(least, 1 / 3)) as Tile;
  const narrower = TILES.find((tile) => tile.rows === first.rows && tile.cols < first.cols);
  return narrower && count(first) < ENOUGH_WORKGROUPS ? narrower : first;
}

interface Size {
  rows: number;
  cols: number;
  depth: number;
}

/** Of the matrix product that a direction is, with so many of the output channels. */
function sizeOf(g: ConvGeometry, direction: ConvDirection, count = g.outC): Size {
  const taps = g.kernelH * g.kernelW;
  const outs = g.batch * g.outH * g.outW;
  if (direction === 'forward') return { rows: count, cols: outs, depth: g.inC * taps };
  if (direction === 'inputGradient') return { rows: g.inC, cols: g.batch * g.inH * g.inW, depth: count * taps };
  return { rows: count, cols: g.inC * taps, depth: outs };
}

/** How the depth is split: a part's depth, and how many there are. Slices of weights are not split on top of that. */
function splitOf(tile: Tile, size: Size, direction: ConvDirection, whole: boolean) {
  const [across, down] = grid(tile, size);
  const longest = direction === 'weightGradient' ? LONGEST_SHARE : Number.POSITIVE_INFINITY;
  const wanted = whole ? Math.max(ENOUGH_WORKGROUPS / (across * down), size.depth / longest) : 1;
  // In whole steps, so that no part begins within one.
  const share = Math.max(SHORTEST_SHARE, Math.ceil(size.depth / Math.ceil(wanted)));
  const inSteps = Math.min(Math.ceil(share / tile.steps) * tile.steps, size.depth);
  return { share: inSteps, splits: Math.ceil(size.depth / inSteps) };
}

const DIRECTIONS: readonly ConvDirection[] = ['forward', 'inputGradient', 'weightGradient'];

/** What is multiplied: `a` and `b` of the shader, and what the result is; the weight, or its slice, where left out. */
interface Operands {
  a?: Tensor;
  b: Tensor;
  result?: Tensor;
  finish?: Epilogue;
}

/** Records the products for every slice of `weight`, which is the weight or its gradient. */
function multiply(
  tile: Tile,
  g: ConvGeometry,
  direction: ConvDirection,
  weight: Tensor,
  { a, b, result, finish }: Operands,
): void {
  const whole = result ?? weight;
  const kernel = kernelFor(tile, g, direction, weight.device);
  for (const { first, count, slice } of weightSlices(weight, g)) {
    const size = sizeOf(g, direction, count);
    const { share, splits } = splitOf(tile, size, direction, slice === weight);
    // In the input's gradient the channels of a slice are summed over: later slices add to what the first has left.
    const accumulate = direction === 'inputGradient' && first > 0;
    const { bias, slope = 1 } = (splits === 1 && !accumulate && finish) || {};
    const left = a ?? slice;
    const parts = splitKBuffer(whole, result ?? slice, splits);
    const [x, y, z] = split2d(...grid(tile, size));
    dispatch(
      kernel,
      { a: left, b, bias: bias ?? left, result: parts },
      {
        ...size,
        ...geometryParams(g),
        first,
        has_bias: bias ? 1 : 0,
        accumulate: accumulate ? 1 : 0,
        splits,
        share,
        part_size: whole.size,
        slope,
      },
      // The shader takes columns that had to be folded and the splits apart.
      [x, y, z * splits],
    );
    reduceSplitK(parts, whole, splits, finish);
  }
}

function kernelFor(tile: Tile, g: ConvGeometry, direction: ConvDirection, device: Device): Kernel {
  const { down, across, r, c } = tile;
  const { cpu } = device.capabilities;
  const steps = cpu ? tile.steps / CPU_SHORTENS : tile.steps;
  const label = `conv_gemm.${direction}${cpu ? '' : ` ${g.kernelH}×${g.kernelW}`}`;
  return device.kernel(label, cpu ? rolledSource : source, 'main', {
    DIRECTION: DIRECTIONS.indexOf(direction),
    DOWN: down,
    ACROSS: across,
    R: r,
    C: c,
    ROWS_EACH: 4 * r,
    COLS_EACH: 4 * c,
    BK: steps,
    A_EACH: Math.ceil((steps * tile.rows) / (down * across)),
    B_EACH: (steps * tile.cols) / (down * across),
    K_H: cpu ? 0 : g.kernelH,
    K_W: cpu ? 0 : g.kernelW,
    S_H: cpu ? 0 : g.strideH,
    S_W: cpu ? 0 : g.strideW,
  });
}

/** Tiles across and down. */
function grid(tile: Tile, { rows, cols }: Size): [number, number] {
  return [Math.ceil(cols / tile.cols), Math.ceil(rows / tile.rows)];
}
