import patchParams from '../../shaders/conv/patch_params.wgsl';
import transforms2 from '../../shaders/conv/winograd/winograd_2.wgsl';
import planes from '../../shaders/conv/winograd/winograd_planes.wgsl';
import leakyRelu from '../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { Device } from '../../src/engine/gpu/device.ts';
import { type ConvChoice, type ConvDirection, methodOf } from '../../src/engine/ops/conv/algorithm.ts';
import { patchesFit, patchKernels } from '../../src/engine/ops/conv/algorithms/subgroup.ts';
import { type Tiling, tileKernel } from '../../src/engine/ops/conv/algorithms/tile.ts';
import { winogradAlgorithm } from '../../src/engine/ops/conv/algorithms/winograd.ts';
import type { ConvGeometry } from '../../src/engine/ops/conv/geometry.ts';
import { defaultChoice } from '../../src/engine/ops/conv/tuning/choose.ts';
import { convCandidates, parseChoice } from '../../src/engine/ops/conv/tuning/registry.ts';
import tapsSource from './conv_taps.wgsl';

/** A step from the definition to the fastest kernel: what it changes, and the kernels that do so. */
export interface Rung {
  what: string;
  choice: ConvChoice;
  /** Whether the engine takes it for this convolution without a measurement. */
  taken: boolean;
}

const PATCH: Tiling = { tileH: 2, tileW: 4, m: 16 };
const MARK = /^[ \t]*\/\/ unroll\n/gm;
const SHUFFLED = tapsSource.replaceAll('subgroupBroadcast', 'subgroupShuffle');

/** Patches summed tap by tap. No longer in the engine: their sums go through memory nine times as often. */
const LEFT_TO_THE_DRIVER = byTaps('rolled', SHUFFLED.replaceAll(MARK, ''));
const SHUFFLE = byTaps('shuffle', SHUFFLED);
const BROADCAST = byTaps('broadcast', tapsSource);

/** F(2 × 2, 3 × 3). The engine has it for GPUs only: on CPU drivers it loses to the direct sum. */
const WINOGRAD_2 = methodOf(
  winogradAlgorithm({
    name: 'winograd2',
    outputs: 2,
    transforms: transforms2,
    application: planes,
    rowsOnly: false,
    tiles: 2,
    atOnce: () => [16],
  }),
);

/**
 * The steps on a CPU driver, for 3 × 3 convolutions of stride 1. Some have no weight gradient, or none that the engine
 * would ever take.
 */
const CPU_STEPS: readonly [what: string, choice: ConvChoice, notForWeight?: true][] = [
  ['patches of 2 × 4 × 16, loops left to the driver', LEFT_TO_THE_DRIVER, true],
  ['… loops written out, weights by subgroupShuffle', SHUFFLE, true],
  ['… weights by subgroupBroadcast', BROADCAST, true],
  ['… all taps of a sum in one expression', parseChoice('tile 2x4x16')],
  ['… 32 channels', parseChoice('tile 2x4x32')],
  ['… 64 channels', parseChoice('tile 2x4x64'), true],
  ['… patches of 4 × 4 × 32', parseChoice('tile 4x4x32'), true],
  ['Winograd F(2 × 2, 3 × 3)', parsed(WINOGRAD_2.parse('16')), true],
  ['Winograd F(4 × 4, 3 × 3)', parseChoice('winograd4 32'), true],
  ['Winograd F(4, 3) along the rows', parseChoice('winograd_rows 32')],
  ['… 64 channels', parseChoice('winograd_rows 64'), true],
];

/** The ladder of one convolution in one direction, slowest step first, followed by the tuner's other candidates. */
export function ladder(device: Device, direction: ConvDirection, g: ConvGeometry): Rung[] {
  const taken = defaultChoice(device, direction, g).name;
  const candidates = convCandidates(device, direction, g);
  const product = candidates.find(({ algorithm }) => algorithm === 'gemm');
  const fits = patchesFit(device, g) && g.kernelH === 3 && g.kernelW === 3;
  const steps: [string, ConvChoice][] = [['one invocation an output', parseChoice('direct')]];
  if (product) steps.push(['matrix product through workgroup memory', product]);
  for (const [what, choice, notForWeight] of fits ? CPU_STEPS : []) {
    if (fitsLanes(device, choice) && !(notForWeight && direction === 'weightGradient')) steps.push([what, choice]);
  }
  const listed = new Set(steps.map(([, { name }]) => name));
  for (const choice of candidates) if (!listed.has(choice.name)) steps.push(['another candidate of the tuner', choice]);
  return steps.map(([what, choice]) => ({ what, choice, taken: choice.name === taken }));
}

/**
 * With four lanes, which broadcast four weights at a time, more than 16 channels would be too much text for a driver to
 * compile.
 */
function fitsLanes({ capabilities: { subgroupSize } }: Device, { name }: ConvChoice): boolean {
  return subgroupSize > 4 || !/(32|64)$/.test(name);
}

function byTaps(name: string, source: string): ConvChoice {
  const text = [source, patchParams, leakyRelu].join('\n');
  const kernels = patchKernels({
    forward: (device, g) => tileKernel(device, g, PATCH, `conv_taps ${name}`, text),
    weight: () => {
      throw new Error('the rungs that sum tap by tap have no gradient of the weight');
    },
  });
  return { algorithm: 'taps', name: `taps ${name}`, kernels };
}

function parsed(choice: ConvChoice | undefined): ConvChoice {
  if (!choice) throw new Error('a rung of the ladder cannot be read');
  return choice;
}
