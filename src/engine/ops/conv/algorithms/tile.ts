import forwardTile from '../../../../../shaders/conv/conv_tile.wgsl';
import weightTile from '../../../../../shaders/conv/conv_tile_weight.wgsl';
import params from '../../../../../shaders/conv/patch_params.wgsl';
import weightParams from '../../../../../shaders/conv/patch_weight_params.wgsl';
import leakyRelu from '../../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { Device } from '../../../gpu/device.ts';
import { type ConvAlgorithm, type ConvDirection, parseSizes } from '../algorithm.ts';
import type { ConvGeometry } from '../geometry.ts';
import { type PatchKernel, patchesFit, patchKernels, resultChannels } from './subgroup.ts';

const forwardSource = [forwardTile, params, leakyRelu].join('\n');
const weightSource = [weightTile, weightParams].join('\n');

/** Convolutions of stride 1 on drivers that compute on the CPU; see `shaders/conv/conv_tile.wgsl` for how and why. */

/** Larger kernels would need more loads in the text than a driver compiles in reasonable time. */
const LARGEST_KERNEL = 7;
/** Channels from which a kernel for 64 at once is worth its compiling, with the smaller patch: a tenth faster on lavapipe. */
const MANY_CHANNELS = 256;
/** The patch of positions that a lane owns, and the channels that it has sums for. */
export interface Tiling {
  tileH: number;
  tileW: number;
  m: number;
}

/** `tile HEIGHTxWIDTHxCHANNELS`: the patch, and the channels at once. */
export const tile: ConvAlgorithm<Tiling> = {
  name: 'tile',
  sources: [forwardSource, weightSource],
  configs: (device, g, direction) => (tileFits(device, g) ? tilings(device, g, direction) : []),
  kernels(tiling) {
    return patchKernels({
      forward: (device, g) => tileKernel(device, g, tiling, 'conv_tile', forwardSource),
      weight: (device, g) => tileKernel(device, g, tiling, 'conv_tile_weight', weightSource),
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
const PATCHES: readonly Patch[] = [LARGE, SMALL];

/** What may be worth a try, this file's own rule first. */
function tilings(device: Device, g: ConvGeometry, direction: ConvDirection): Tiling[] {
  const lanes = device.capabilities.subgroupSize;
  const channels = resultChannels(g, direction);
  const result = { forward: [g.outH, g.outW], inputGradient: [g.inH, g.inW], weightGradient: undefined }[direction];
  const patch = result ? patchFor(lanes, g.batch, result[0] as number, result[1] as number) : LARGE;
  const [tileH, tileW] = patch;
  const most = mostChannels(lanes, g.kernelH * g.kernelW, channels, direction);
  const usual = patch === LARGE ? Math.min(most, 32) : most;
  const own = { tileH, tileW, m: channels <= 8 ? 8 : Math.min(usual, Math.ceil(channels / 16) * 16) };
  // More than double the channels that there are would be idle work.
  const counts = [8, 16, 32, 64].filter((m) => m <= most && m < Math.max(16, 2 * channels));
  const all = PATCHES.flatMap(([tileH, tileW]) => counts.map((m) => ({ tileH, tileW, m })));
  return [own, ...all.filter((t) => tile.format(t) !== tile.format(own))];
}

/** Whether these kernels can do this convolution on this device. */
function tileFits(device: Device, g: ConvGeometry): boolean {
  return patchesFit(device, g) && Math.max(g.kernelH, g.kernelW) <= LARGEST_KERNEL;
}

/** Compiles a shader that computes with patches of this size. The bench's ladder has others that do. */
export function tileKernel(
  device: Device,
  { kernelH, kernelW }: ConvGeometry,
  { tileH, tileW, m }: Tiling,
  label: string,
  source: string,
): PatchKernel {
  const lanes = device.capabilities.subgroupSize;
  const kernel = device.kernel(`${label} ${kernelH}×${kernelW}`, source, 'main', {
    ...constants(kernelH, kernelW, tileH, tileW, m, lanes),
  });
  return { kernel, height: tileH, width: tileW, channels: m };
}

/** A patch of 4 × 2, or 2 × 2 where larger ones would leave lanes without work. */
function patchFor(lanes: number, batch: number, height: number, width: number): Patch {
  const [h, w] = LARGE;
  return batch * Math.ceil(height / h) * Math.ceil(width / w) >= lanes ? LARGE : SMALL;
}

/**
 * More channels share more loads, until their sums no longer fit. 64 with the large patch are 512 sums a lane: these take a
 * driver three times as long to compile as 256, and gain a tenth, which only a run of hundreds of steps gives back.
 * Large kernels spell out many multiply-adds a channel: with these limits they compile as fast as 3 × 3 with 32 channels.
 */
function mostChannels(lanes: number, taps: number, channels: number, direction: ConvDirection): number {
  if (taps > 25) return 8;
  if (taps > 16) return 16;
  if (lanes === 4) return 16;
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
