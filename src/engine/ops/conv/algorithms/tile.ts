import forwardTile from '../../../../../shaders/conv/conv_tile.wgsl';
import weightTile from '../../../../../shaders/conv/conv_tile_weight.wgsl';
import params from '../../../../../shaders/conv/patch_params.wgsl';
import weightParams from '../../../../../shaders/conv/patch_weight_params.wgsl';
import forwardQuad from '../../../../../shaders/conv/quad/conv_quad.wgsl';
import weightQuad from '../../../../../shaders/conv/quad/conv_quad_weight.wgsl';
import turn from '../../../../../shaders/conv/quad/quad_turn.wgsl';
import leakyRelu from '../../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { Device } from '../../../gpu/device.ts';
import { type ConvAlgorithm, type ConvDirection, parseSizes } from '../algorithm.ts';
import type { ConvGeometry } from '../geometry.ts';
import { type PatchKernel, patchesFit, patchKernels, resultChannels } from './subgroup.ts';

const forwardSource = [forwardTile, params, leakyRelu].join('\n');
const weightSource = [weightTile, weightParams].join('\n');
const quadSource = [forwardQuad, params, turn, leakyRelu].join('\n');
const quadWeightSource = [weightQuad, weightParams, turn].join('\n');

/**
 * Convolutions of stride 1 for drivers that compute on the CPU; see `shaders/conv/conv_tile.wgsl` for how and why, and
 * `shaders/conv/quad/conv_quad.wgsl` for drivers with four lanes. Both give the same bits.
 */

/** Larger kernels would need more loads in the text than a driver compiles in reasonable time. */
const LARGEST_KERNEL = 7;
/**
 * From so many channels on, a kernel for 64 at once with the smaller patch is worth compiling: a tenth faster on
 * lavapipe.
 */
const MANY_CHANNELS = 256;
/** The patch of positions that a lane owns, and the channels for which it holds sums. */
export interface Tiling {
  tileH: number;
  tileW: number;
  m: number;
}

/** `tile HEIGHTxWIDTHxCHANNELS`: the patch, and the channels at once. */
export const tile: ConvAlgorithm<Tiling> = {
  name: 'tile',
  sources: [forwardSource, weightSource, quadSource, quadWeightSource],
  configs: (device, g, direction) => (tileFits(device, g) ? tilings(device, g, direction) : []),
  kernels(tiling) {
    return patchKernels({
      forward(device, g) {
        if (!isQuad(device)) return tileKernel(device, g, tiling, 'conv_tile', forwardSource);
        return tileKernel(device, g, tiling, 'conv_quad', quadSource, quadArrays('forward'));
      },
      weight(device, g) {
        if (!isQuad(device)) return tileKernel(device, g, tiling, 'conv_tile_weight', weightSource);
        return tileKernel(device, g, tiling, 'conv_quad_weight', quadWeightSource, quadArrays('weight'));
      },
    });
  },
  format: ({ tileH, tileW, m }) => `${tileH}x${tileW}x${m}`,
  parse(text) {
    const [tileH, tileW, m] = parseSizes(text, 3) ?? [];
    return tileH && tileW && m ? { tileH, tileW, m } : undefined;
  },
};

type Patch = readonly [height: number, width: number];

const LARGE: Patch = [2, 4];
const SMALL: Patch = [2, 2];
const SQUARE: Patch = [4, 4];

/** A subgroup of four lanes is a quad, whose lanes exchange values by one instruction. */
const isQuad = ({ capabilities }: Device) => capabilities.subgroupSize === 4;

/** The tilings to try, the default of this file first. */
function tilings(device: Device, g: ConvGeometry, direction: ConvDirection): Tiling[] {
  const lanes = device.capabilities.subgroupSize;
  const channels = resultChannels(g, direction);
  if (isQuad(device)) return quadTilings(g.kernelH * g.kernelW, channels, direction);
  const result = { forward: [g.outH, g.outW], inputGradient: [g.inH, g.inW], weightGradient: undefined }[direction];
  const patch = result ? patchFor(lanes, g.batch, result[0] as number, result[1] as number) : LARGE;
  const [tileH, tileW] = patch;
  const most = mostChannels(lanes, g.kernelH * g.kernelW, channels, direction);
  const usual = patch === LARGE ? Math.min(most, 32) : most;
  const own = { tileH, tileW, m: channels <= 8 ? 8 : Math.min(usual, Math.ceil(channels / 16) * 16) };
  // More than twice the existing channels would be idle work.
  const counts = [8, 16, 32, 64].filter((m) => m <= most && m < Math.max(16, 2 * channels));
  return ownAndOthers(own, [LARGE, SMALL], counts);
}

/** One tiling, then all others of these patches and numbers of channels. */
function ownAndOthers(own: Tiling, patches: readonly Patch[], counts: readonly number[]): Tiling[] {
  const all = patches.flatMap(([tileH, tileW]) => counts.map((m) => ({ tileH, tileW, m })));
  return [own, ...all.filter((t) => tile.format(t) !== tile.format(own))];
}

/** Multiply-adds in the loop of a quad's kernel from which it may exceed the first-level instruction cache. */
const LONGEST_QUAD = 1152;

/**
 * Tilings for four lanes. The loop's text grows with the patch and the channels, and is fastest just before it exceeds
 * the first-level instruction cache. In the weight gradient a patch of 4 × 4 has more values than there are registers.
 */
function quadTilings(taps: number, channels: number, direction: ConvDirection): Tiling[] {
  const patch = direction === 'weightGradient' ? LARGE : channels <= 4 || (taps <= 4 && channels <= 8) ? SQUARE : LARGE;
  const [tileH, tileW] = taps > 9 ? LARGE : patch;
  const own = { tileH, tileW, m: channels <= 4 || taps > 9 ? 4 : taps <= 4 && channels > 8 ? 16 : 8 };
  const counts = [4, 8, 16].filter((m) => m < Math.max(8, 2 * channels) && m * taps * tileH * tileW <= LONGEST_QUAD);
  return ownAndOthers(own, direction === 'weightGradient' ? [LARGE] : [LARGE, SQUARE], counts);
}

/** Whether these kernels support this convolution on this device. */
function tileFits(device: Device, g: ConvGeometry): boolean {
  return patchesFit(device, g) && Math.max(g.kernelH, g.kernelW) <= LARGEST_KERNEL;
}

/** Compiles a shader that computes patches of this size. The bench's ladder has other such shaders. */
export function tileKernel(
  device: Device,
  { kernelH, kernelW }: ConvGeometry,
  { tileH, tileW, m }: Tiling,
  label: string,
  source: string,
  further: (known: Constants) => Record<string, number> = () => ({}),
): PatchKernel {
  const lanes = device.capabilities.subgroupSize;
  const known = constants(kernelH, kernelW, tileH, tileW, m, lanes);
  const kernel = device.kernel(`${label} ${kernelH}×${kernelW}`, source, 'main', { ...known, ...further(known) });
  return { kernel, height: tileH, width: tileW, channels: m };
}

/** A patch of 4 × 2, or of 2 × 2 if larger ones would leave lanes without work. */
function patchFor(lanes: number, batch: number, height: number, width: number): Patch {
  const [h, w] = LARGE;
  return batch * Math.ceil(height / h) * Math.ceil(width / w) >= lanes ? LARGE : SMALL;
}

/**
 * More channels share more loads, until their sums no longer fit. 64 with the large patch are 512 sums per lane. A
 * driver compiles these three times as long as 256, and they gain a tenth, which only a run of hundreds of steps
 * recovers. Large kernels unroll many multiply-adds per channel; with these limits they compile as fast as 3 × 3 with
 * 32 channels.
 */
function mostChannels(lanes: number, taps: number, channels: number, direction: ConvDirection): number {
  if (taps > 25) return 8;
  if (taps > 16) return 16;
  return lanes === 16 && channels >= MANY_CHANNELS && direction !== 'weightGradient' ? 64 : 32;
}

function constants(kernelH: number, kernelW: number, tileH: number, tileW: number, m: number, lanes: number) {
  return {
    LANES: lanes,
    M: m,
    SHARES: Math.max(1, m / lanes),
    K_H: kernelH,
    K_W: kernelW,
    TAPS: kernelH * kernelW,
    TILE_H: tileH,
    TILE_W: tileW,
    PATCH: tileH * tileW,
    WIN_H: tileH + kernelH - 1,
    WIN_W: tileW + kernelW - 1,
  };
}

type Constants = ReturnType<typeof constants>;

/** The lengths of a quad's arrays: a window, a lane's loads for its shares of the channels, and all sums. */
function quadArrays(direction: 'forward' | 'weight') {
  return ({ M, SHARES, TAPS, PATCH, WIN_H, WIN_W }: Constants) => {
    const [loaded, summed] = direction === 'forward' ? [TAPS, PATCH] : [PATCH, TAPS];
    return { TURNS: 4, WINDOW: WIN_H * WIN_W, OWN: SHARES * loaded, SUMS: M * summed };
  };
}
