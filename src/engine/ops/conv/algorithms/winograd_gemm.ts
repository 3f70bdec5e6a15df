import transforms2 from '../../../../../shaders/conv/winograd/winograd_2.wgsl';
import transforms4 from '../../../../../shaders/conv/winograd/winograd_4.wgsl';
import planes from '../../../../../shaders/conv/winograd/winograd_planes.wgsl';
import stagesSource from '../../../../../shaders/conv/winograd/winograd_stages.wgsl';
import leakyRelu from '../../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import type { Device } from '../../../gpu/device.ts';
import type { Program } from '../../../gpu/program.ts';
import type { Storage } from '../../../gpu/storage.ts';
import { currentProgram } from '../../../tape/current.ts';
import { dispatch, invocationWorkgroups } from '../../../tape/dispatch.ts';
import { Tensor } from '../../../tape/tensor.ts';
import { type ConvAlgorithm, type ConvDirection, parseSizes } from '../algorithm.ts';
import { type ConvGeometry, pointwise, weightSize } from '../geometry.ts';
import { gemm } from './gemm/gemm.ts';
import { sizeOf } from './gemm/products.ts';
import { byCost, parallelismOf, TILES, type Tile } from './gemm/tiles.ts';

/**
 * 3 × 3 convolutions of stride 1 by Winograd's algorithms on GPUs: transforms
 * (`shaders/conv/winograd/winograd_stages.wgsl`) around one matrix product per point, which `gemm` computes as groups
 * of a 1 × 1 convolution. F(4 × 4, 3 × 3) takes a quarter of the multiply-adds, F(2 × 2, 3 × 3) four ninths. Per value
 * of the input and of the result they write and read 2.25 or 4 values. `winograd.ts` gives their accuracy.
 */

/** F(R × R, 3 × 3), by R. */
const FORMS: ReadonlyMap<number, string> = new Map([
  [4, transforms4],
  [2, transforms2],
]);
const source = (outputs: number) => [stagesSource, planes, FORMS.get(outputs), leakyRelu].join('\n');

const FILTER = 3;
const TAPS = FILTER * FILTER;
/** With fewer channels on either side, the transforms take longer than they save. */
const LEAST_CHANNELS = 8;
/** Tiles of the product to try. Its shape rules the others out. */
const MOST_TILES = 2;

/** Outputs of a Winograd tile along each side, and the tile of the product. */
interface Config {
  outputs: number;
  tile: Tile;
}

/** `winograd_gemm OUTPUTSxROWSxCOLUMNS`: the form, and the tile of `gemm`. */
export const winogradGemm: ConvAlgorithm<Config> = {
  name: 'winograd_gemm',
  sources: [...[...FORMS.keys()].map(source), ...gemm.sources],
  configs(device, g, direction) {
    const dense = g.strideH * g.strideW * g.dilationH * g.dilationW * g.groups === 1;
    const few = Math.min(g.inC, g.outC) < LEAST_CHANNELS;
    if (device.capabilities.cpu || !dense || few || g.kernelH !== FILTER || g.kernelW !== FILTER) return [];
    return [...FORMS.keys()].flatMap((outputs) => {
      const product = productOf(outputs, g, direction);
      if (!bindable(device, product)) return [];
      const role = direction === 'weightGradient' ? direction : 'forward';
      const tiles = byCost(sizeOf(product, role), role, parallelismOf(device)).slice(0, MOST_TILES);
      return tiles.map((tile) => ({ outputs, tile }));
    });
  },
  kernels: ({ outputs, tile }) => ({
    forward: (g, x, w, bias, y, slope = 1) => {
      const filters = { w_row: g.inC * TAPS, w_col: TAPS, w_tap: 1, w_first: 0 };
      convolve({ outputs, tile }, productOf(outputs, g, 'forward'), x, w, y, { ...pads(g), filters, bias, slope });
    },
    inputGradient: (g, dy, w, bias, dx) => {
      const filters = { w_row: TAPS, w_col: g.inC * TAPS, w_tap: -1, w_first: TAPS - 1 };
      const turned = { padH: FILTER - 1 - g.padH, padW: FILTER - 1 - g.padW };
      const product = productOf(outputs, g, 'inputGradient');
      convolve({ outputs, tile }, product, dy, w, dx, { ...turned, filters, bias, slope: 1 });
    },
    weightGradient: (g, x, dy, dw) => {
      const product = productOf(outputs, g, 'weightGradient');
      const places = placesOf(outputs, dy);
      const v = transform('windows_in', outputs, x, [product.inC, product.inW], { ...places, ...pads(g) });
      const m = transform('gradients_in', outputs, dy, [product.outC, product.outW], places);
      const u = Tensor.temporary(dw.device, [product.outC, g.inC], 'winograd.u');
      gemm.kernels(tile).weightGradient(product, v, m, u);
      stage('filters_out', outputs, u, dw, { n: g.outC * g.inC });
    },
  }),
  format: ({ outputs, tile }) => `${outputs}x${gemm.format(tile)}`,
  parse(text) {
    const [outputs, rows, cols] = parseSizes(text, 3) ?? [];
    const tile = TILES.find((t) => t.rows === rows && t.cols === cols);
    return tile && outputs !== undefined && FORMS.has(outputs) ? { outputs, tile } : undefined;
  },
};

const pads = ({ padH, padW }: ConvGeometry) => ({ padH, padW });
const pointsOf = (outputs: number) => (outputs + FILTER - 1) ** 2;

/**
 * The products as a 1 × 1 convolution with one group per point. Its input channels are the dimension that is summed
 * over.
 */
function productOf(outputs: number, g: ConvGeometry, direction: ConvDirection): ConvGeometry {
  const back = direction === 'inputGradient';
  const [into, out] = back ? [g.outC, g.inC] : [g.inC, g.outC];
  const [height, width] = back ? [g.inH, g.inW] : [g.outH, g.outW];
  const groups = pointsOf(outputs);
  const tiles = g.batch * Math.ceil(height / outputs) * Math.ceil(width / outputs);
  return pointwise(groups, into, out, [1, tiles]);
}

/** Whether the transformed values fit one binding each. */
function bindable({ bindingLimit }: Device, { inC, outC, outW, ...g }: ConvGeometry): boolean {
  const weight = weightSize({ ...g, inC, outC, outW });
  return 4 * Math.max(inC * outW, outC * outW, weight) <= bindingLimit;
}

interface Filters {
  w_row: number;
  w_col: number;
  w_tap: number;
  w_first: number;
}

interface Convolution {
  padH: number;
  padW: number;
  filters: Filters;
  bias: Tensor | undefined;
  slope: number;
}

/** y = conv(x, w): forward, or backward with filters transformed for that. */
function convolve(
  { outputs, tile }: Config,
  product: ConvGeometry,
  x: Tensor,
  w: Tensor,
  y: Tensor,
  { padH, padW, filters, bias, slope }: Convolution,
): void {
  const places = placesOf(outputs, y);
  const u = transformedFilters(outputs, w, product, filters);
  const v = transform('windows_in', outputs, x, [product.inC, product.inW], { ...places, padH, padW });
  const m = Tensor.temporary(y.device, [product.outC, product.outW], 'winograd.m');
  gemm.kernels(tile).forward(product, v, u, undefined, m);
  stage('outputs_out', outputs, m, y, { ...places, ...pictureOf(y), n: m.size / pointsOf(outputs), bias, slope });
}

/** The tiles that cover a result (N, C, H, W). */
function placesOf(outputs: number, { shape }: Tensor) {
  const [batch, , height, width] = shape as [number, number, number, number];
  const tiles_x = Math.ceil(width / outputs);
  const tiles = tiles_x * Math.ceil(height / outputs);
  return { tiles_x, tiles, all_tiles: batch * tiles };
}

function pictureOf({ shape }: Tensor) {
  const [, channels, height, width] = shape as [number, number, number, number];
  return { channels, height, width };
}

interface Places extends ReturnType<typeof placesOf> {
  padH?: number;
  padW?: number;
}

/** Transforms a picture's windows, or the tiles of a gradient, into points (groups · channels, tiles). */
function transform(
  entry: 'windows_in' | 'gradients_in',
  outputs: number,
  x: Tensor,
  shape: [number, number],
  { padH = 0, padW = 0, ...places }: Places,
): Tensor {
  const points = Tensor.temporary(x.device, shape, `winograd.${entry}`);
  const n = points.size / pointsOf(outputs);
  stage(entry, outputs, x, points, { ...places, ...pictureOf(x), n, pad_h: padH, pad_w: padW });
  return points;
}

/** For each persistent weight: its points by form and direction, and the number of dispatches recorded by then. */
type Known = Map<string, { points: Tensor; recorded: number }>;
const known = new WeakMap<Program, Map<Storage, Known>>();

/** A weight's points. They are recorded again only if the weight was written since: once per step and direction. */
function transformedFilters(outputs: number, w: Tensor, { inC, outC, groups }: ConvGeometry, filters: Filters): Tensor {
  const program = currentProgram(w.device);
  const make = () => {
    const points = Tensor.temporary(w.device, [outC, inC / groups], 'winograd.u');
    stage('filters_in', outputs, w, points, { n: points.size / groups, cols: inC / groups, ...filters });
    return points;
  };
  if (!w.storage.persistent) return make();
  const ofProgram = known.get(program) ?? new Map<Storage, Known>();
  const ofWeight = ofProgram.get(w.storage) ?? new Map();
  known.set(program, ofProgram.set(w.storage, ofWeight));
  const key = `${outputs} ${Object.values(filters)}`;
  const before = ofWeight.get(key);
  if (before && !program.writesSince(before.recorded, w.storage)) return before.points;
  const points = make();
  ofWeight.set(key, { points, recorded: program.dispatchCount });
  return points;
}

type Entry = 'windows_in' | 'gradients_in' | 'filters_in' | 'outputs_out' | 'filters_out';

interface StageParams extends Partial<Filters> {
  n: number;
  channels?: number;
  height?: number;
  width?: number;
  tiles_x?: number;
  tiles?: number;
  all_tiles?: number;
  pad_h?: number;
  pad_w?: number;
  cols?: number;
  bias?: Tensor | undefined;
  slope?: number;
}

const UNUSED = {
  ...{ channels: 1, height: 1, width: 1, tiles_x: 1, tiles: 1, all_tiles: 1, pad_h: 0, pad_w: 0 },
  ...{ cols: 1, w_row: 0, w_col: 0, w_tap: 0, w_first: 0, slope: 1 },
};

function stage(entry: Entry, outputs: number, input: Tensor, output: Tensor, { bias, ...params }: StageParams): void {
  const { device } = output;
  const points = pointsOf(outputs);
  const kernel = device.kernel(`winograd_gemm.${entry} ${outputs}`, source(outputs), entry, {
    R: outputs,
    T: outputs + FILTER - 1,
    K: FILTER,
    TAPS,
    POINTS: points,
    OUTPUTS: outputs * outputs,
  });
  dispatch(
    kernel,
    { input, output, ...(entry === 'outputs_out' ? { bias: bias ?? input } : {}) },
    { ...UNUSED, ...params, has_bias: bias ? 1 : 0 },
    invocationWorkgroups(device, params.n),
  );
}
