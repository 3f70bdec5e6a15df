import gemmSource from '../../../../../../shaders/conv/gemm/conv_gemm.wgsl';
import type { Device } from '../../../../gpu/device.ts';
import type { Kernel } from '../../../../gpu/shader/kernel.ts';
import type { ConvAlgorithm } from '../../algorithm.ts';
import type { ConvGeometry } from '../../geometry.ts';
import { weightFits } from '../../slices.ts';
import { LARGEST_SIDE } from './offset_tables.ts';
import { type Cases, finished, operandConstants, productKernels, sizeOf } from './products.ts';
import { byCost, parallelismOf, QUADS, SIDES, TILES, type Tile, worthTrying } from './tiles.ts';

/** Convolutions of any kind on GPUs; see `shaders/conv/gemm/conv_gemm.wgsl`. */

const source = finished(gemmSource);

/**
 * CPU drivers take seconds to compile unrolled loops, and unroll loops of constant length themselves. For them nothing
 * is unrolled, and no length is a constant.
 */
const rolled = (text: string) =>
  text.replace(/^\s*\/\/ unroll\n(\s*for ?\(var (\w+) ?= ?0u; ?\2 ?< ?\w+)/gm, '$1 + p.zero');
const rolledSource = { plain: rolled(source.plain), rowSums: rolled(source.rowSums) };

/** With so many groups, all products and splits surely fit one dispatch. */
const MOST_GROUPS = 128;

/** Whether this convolution is within the limits of the product's tables and dispatches. */
export function isProduct(device: Device, g: ConvGeometry): boolean {
  const fits = weightFits(device.bindingLimit, g) && g.groups <= MOST_GROUPS;
  return fits && Math.max(g.kernelH, g.kernelW) <= LARGEST_SIDE;
}

/** `gemm ROWSxCOLUMNS`: the tile. */
export const gemm: ConvAlgorithm<Tile> = {
  name: 'gemm',
  sources: Object.values(source),
  configs(device, g, direction) {
    if (!isProduct(device, g)) return [];
    const size = sizeOf(g, direction);
    const [best, ...others] = byCost(size, direction, parallelismOf(device)) as [Tile, ...Tile[]];
    // On a CPU only for what the other kernels do not support.
    if (device.capabilities.cpu) return [best];
    return [best, ...others.filter((tile) => worthTrying(tile, size))];
  },
  kernels: (tile) =>
    productKernels((device) => ({
      name: 'conv_gemm',
      tile,
      quads: QUADS,
      kernelFor: (cases) => kernelFor(device, tile, cases),
    })),
  format: ({ rows, cols }) => `${rows}x${cols}`,
  parse: (text) => TILES.find((t) => gemm.format(t) === text),
};

function kernelFor(device: Device, tile: Tile, cases: Cases): Kernel {
  const { rows, cols, down, across } = tile;
  const invocations = down * across;
  const colsEach = cols / across;
  const text = (device.capabilities.cpu ? rolledSource : source)[cases.rowSums ? 'rowSums' : 'plain'];
  return device.kernel(`conv_gemm ${gemm.format(tile)}`, text, 'main', {
    DOWN: down,
    ACROSS: across,
    ROWS_EACH: rows / down,
    COLS_EACH: colsEach,
    C: colsEach / 4,
    ...operandConstants(tile, invocations, QUADS, cases),
    SIDES: device.capabilities.cpu ? 1 : SIDES,
    FOUR: 4,
    AHEAD: device.capabilities.cpu ? 0 : 1,
  });
}
