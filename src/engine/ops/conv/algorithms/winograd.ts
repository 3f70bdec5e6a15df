import params from '../../../../../shaders/conv/patch_params.wgsl';
import weightParams from '../../../../../shaders/conv/patch_weight_params.wgsl';
import winograd from '../../../../../shaders/conv/winograd/conv_winograd.wgsl';
import winogradWeight from '../../../../../shaders/conv/winograd/conv_winograd_weight.wgsl';
import transforms4 from '../../../../../shaders/conv/winograd/winograd_4.wgsl';
import planes from '../../../../../shaders/conv/winograd/winograd_planes.wgsl';
import rows from '../../../../../shaders/conv/winograd/winograd_rows.wgsl';
import leakyRelu from '../../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { Device } from '../../../gpu/device.ts';
import { type ConvAlgorithm, type ConvDirection, parseSizes } from '../algorithm.ts';
import { type PatchKernel, patchesFit, patchKernels, resultChannels } from './subgroup.ts';

const forwardSource = [winograd, params, leakyRelu].join('\n');
const weightSource = [winogradWeight, weightParams].join('\n');

/**
 * 3 × 3 convolutions of stride 1 by Winograd's algorithms, for drivers that compute on the CPU; see
 * `shaders/conv/winograd/conv_winograd.wgsl` for how, and the texts appended to it for the transforms.
 *
 * Rounding. A result is `y = A'(S·Σc (G g)·(B'd))`, with each matrix applied once (`winograd_rows`) or once per dimension.
 * Every elementary operation has a relative error of at most u = 2⁻²⁴, so that
 *
 *   |error| ≤ (C + n)·u · κ · 9·C·max|w|·max|x|,   κ = (max over i of Σₖ |A'ᵢₖ| |Sₖ| Σ|Gₖ·| Σ|B'ₖ·|) / 3
 *
 * where n is the number of operations that the transforms apply to a value. In two dimensions (`winograd4` and
 * `winograd_gemm`) κ is squared. Without transforms κ = 1, which gives the bound of the direct sum.
 * κ = 284 for F(4 × 4, 3 × 3), 16.9 for F(4, 3) along the rows and 7.1 for F(2 × 2, 3 × 3). That is the worst case: signs
 * cancel most of it. The largest errors measured on uniformly random data, relative to float64, in units of the largest
 * result:
 *
 *   channels   direct kernel   tile      gemm      winograd_rows   winograd4   winograd_gemm 2   winograd_gemm 4
 *   32         0.6e-6          0.2e-6    0.7e-6    0.8e-6          3.0e-6      0.2e-6            3.2e-6
 *   128        1.3e-6          0.4e-6    0.4e-6    1.2e-6          5.3e-6      0.5e-6            4.8e-6
 *   512        1.8e-6          0.6e-6    0.5e-6    1.9e-6          8.4e-6      0.6e-6            9.8e-6
 *   2048       4.2e-6          1.5e-6              4.3e-6          19e-6
 *
 * So `winograd_rows` and F(2 × 2, 3 × 3) are as exact as the reference kernel, and F(4 × 4, 3 × 3) comes near an absolute
 * tolerance of 1e-5 with many channels. `conv_winograd.test.ts` and `conv_winograd_gemm.test.ts` in test/engine/ops/conv
 * check these figures; the former also checks the fixtures.
 * Source of the bound: Barabasz et al. 2018, "Error Analysis and Improving the Accuracy of Winograd Convolution for DNNs".
 */

/** A form of Winograd's algorithm. */
export interface WinogradForm {
  name: string;
  /** Outputs of a tile, along each side. */
  outputs: number;
  /** The one-dimensional transforms, and how they are applied in two dimensions. */
  transforms: string;
  application: string;
  /** Winograd along the rows only. */
  rowsOnly: boolean;
  /** Adjacent tiles that a lane owns. */
  tiles: number;
  /** Numbers of channels at once to try, the default first. */
  atOnce(channels: number, lanes: number, direction: ConvDirection): number[];
}

const FILTER = 3;

/** From so many channels on, a kernel for 64 at once may be worth compiling, which takes three times as long. */
const MANY_CHANNELS = 256;

const mostAtOnce = (lanes: number) => (lanes === 4 ? 16 : 32);

function rowsAtOnce(channels: number, lanes: number, direction: ConvDirection): number[] {
  if (channels <= 16 || lanes === 4) return [16];
  return lanes === 16 && channels >= MANY_CHANNELS && direction !== 'weightGradient' ? [32, 16, 64] : [32, 16];
}

/** F(4 × 4, 3 × 3). */
export const winograd4 = winogradAlgorithm({
  name: 'winograd4',
  outputs: 4,
  transforms: transforms4,
  application: planes,
  rowsOnly: false,
  tiles: 1,
  atOnce: (_, lanes) => [mostAtOnce(lanes)],
});

/** F(4, 3) along the rows; the three rows of a filter are summed as usual. Also supports the weight gradient. */
export const winogradRows = winogradAlgorithm({
  name: 'winograd_rows',
  outputs: 4,
  transforms: transforms4,
  application: rows,
  rowsOnly: true,
  tiles: 1,
  atOnce: rowsAtOnce,
});

/** Channels for which a lane holds sums. */
type AtOnce = number;

/** `NAME CHANNELS`: the channels at once. */
export function winogradAlgorithm(form: WinogradForm): ConvAlgorithm<AtOnce> {
  const { name, rowsOnly } = form;
  return {
    name,
    sources: [forwardSource, ...(rowsOnly ? [weightSource] : []), form.application, form.transforms],
    configs(device, g, direction) {
      const fits = patchesFit(device, g) && g.kernelH === FILTER && g.kernelW === FILTER;
      if (!fits || (direction === 'weightGradient' && !rowsOnly)) return [];
      return form.atOnce(resultChannels(g, direction), device.capabilities.subgroupSize, direction);
    },
    kernels(m) {
      return patchKernels({
        forward: (device) => forwardKernel(device, form, m),
        weight: (device) => weightKernel(device, form, m),
      });
    },
    format: String,
    parse: (text) => parseSizes(text, 1)?.[0],
  };
}

function forwardKernel(device: Device, form: WinogradForm, m: number): PatchKernel {
  const { outputs, rowsOnly, tiles } = form;
  const points = outputs + FILTER - 1;
  const filterRows = rowsOnly ? FILTER : points;
  const sumRows = rowsOnly ? outputs : points;
  const kernel = device.kernel(form.name, [forwardSource, form.application, form.transforms].join('\n'), 'main', {
    ...constants(device, form, m, filterRows, sumRows),
    POINTS: points * points,
    TILES: tiles,
    WIN_W: tiles * outputs + FILTER - 1,
    OWN_ROWS: filterRows,
    SUM_ROWS: sumRows,
    // The rows of a filter in a sum, and the rows from one sum to the next.
    PRODUCTS: rowsOnly ? FILTER : 1,
    OWN_STEP: rowsOnly ? 0 : 1,
  });
  return { kernel, height: outputs, width: outputs * tiles, channels: m };
}

function weightKernel(device: Device, form: WinogradForm, m: number): PatchKernel {
  const { outputs, name } = form;
  const text = [weightSource, form.application, form.transforms].join('\n');
  const kernel = device.kernel(`${name} weight`, text, 'main', constants(device, form, m, outputs, FILTER));
  return { kernel, height: outputs, width: outputs, channels: m };
}

/** `ownRows` rows of points are broadcast, and `sumRows` of them are summed up. */
function constants(device: Device, { outputs }: WinogradForm, m: number, ownRows: number, sumRows: number) {
  const lanes = device.capabilities.subgroupSize;
  const points = outputs + FILTER - 1;
  return {
    LANES: lanes,
    M: m,
    SHARES: Math.max(1, m / lanes),
    K: FILTER,
    TAPS: FILTER * FILTER,
    R: outputs,
    T: points,
    OWN: ownRows * points,
    SUMS: sumRows * points,
  };
}
