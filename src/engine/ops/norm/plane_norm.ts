import forwardSource from '../../../../shaders/norm/plane_norm.wgsl';
import backwardSource from '../../../../shaders/norm/plane_norm_backward.wgsl';
import statistics from '../../../../shaders/norm/statistics.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Workgroups } from '../../gpu/program.ts';
import { differentiable } from '../../tape/autograd.ts';
import { composedGradient } from '../../tape/composed.ts';
import { dispatch, invocationWorkgroups } from '../../tape/dispatch.ts';
import { type Backward, type Shape, Tensor } from '../../tape/tensor.ts';
import { add, mul, sub } from '../elementwise/arithmetic.ts';
import { rsqrt } from '../elementwise/functions.ts';
import { planeGrid } from '../launch.ts';
import { mean } from '../reduce/reduce.ts';
import { viewOf } from '../shape/reshape.ts';

/**
 * What instance, group and layer norm have in common: statistics of rows of neighbouring planes. See
 * `shaders/norm/plane_norm.wgsl`.
 */

const source = `${forwardSource}\n${statistics}`;

/** What is normalised together, and what it is weighted by. */
export interface PlaneNorm {
  label: string;
  planes: number;
  pixels: number;
  /** Planes of a row: of one set of statistics. */
  per: number;
  /** Planes of one picture: weight and bias have a value for each, unless `perElement`. */
  channels: number;
  /** Weight and bias have a value for each place of a plane, which is a row then. */
  perElement: boolean;
  eps: number;
}

/** Values of a plane that a lane has at least, as long as there are other planes to do. */
const LEAST_EACH = 8;
/** No piece of a plane is shorter. */
const LEAST_PIECE = 1024;
/** What one invocation may join for its row without more of them joining in first; and add up for its channel. */
const MOST_PARTS = 256;
const MOST_SUMS = 1024;
/** Planes that one invocation adds up for a place, more only where the shares would be more than the other. */
const MOST_PLANES = 256;
const MOST_SHARES = 4096;

/** y = (x − mean) / √(variance + eps) · weight + bias, of each row by itself. */
export function planeNorm(norm: PlaneNorm, x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
  const { device } = x;
  const { label, planes } = norm;
  const cut = cutting(device, norm, weight !== undefined || bias !== undefined);
  const run = passes(device, norm, cut, label, source, { weight, bias }, { eps: norm.eps });
  const lanes = Tensor.temporary(device, [planes, cut.count, cut.each, 2], `${label}.lanes`);
  const table = Tensor.temporary(device, [planes / norm.per, 2], `${label}.table`);
  run.each('statistics', { x, partials: lanes });
  run.rows('combine', { parts: cut.joins ? joined(run, lanes, cut) : lanes, table }, table.size / 2);
  const y = x.like(label);
  run.planes('normalise', { x, known: table, weight: weight ?? x, bias: bias ?? x, y });
  const inputs = [x, ...(weight ? [weight] : []), ...(bias ? [bias] : [])];
  const graphBackward = composedGradient(inputs, ([x, ...parameters]) => {
    const [w, b] = weight ? parameters : [undefined, ...parameters];
    return composed(norm, x as Tensor, w, b);
  });
  const backward: Backward = (dy, [needsX = false, ...needs]) => {
    const given = { x, dy, table, weight: weight ?? x };
    const share = Math.max(MOST_PLANES, Math.ceil(planes / MOST_SHARES));
    const shares = Math.ceil(planes / share);
    const back = passes(device, norm, cut, `${label}_backward`, backwardSource, { weight, bias }, { shares, share });
    const needsSums = needsX || (!norm.perElement && needs.includes(true));
    let parts: Tensor | undefined;
    if (needsSums) {
      const sums = lanes.like(`${label}.sums`);
      back.each('sums', { ...given, partials: sums });
      parts = cut.joins ? joined(back, sums, cut) : sums;
    }
    const learnt = needs.includes(true)
      ? parameterGradients(norm, (weight ?? bias ?? x).shape, back, given, parts, shares)
      : undefined;
    const parameters = [...(weight ? [learnt?.dweight] : []), ...(bias ? [learnt?.dbias] : [])];
    if (!needsX || !parts) return [undefined, ...parameters];
    const coefficients = table.like(`${label}.coefficients`);
    back.rows('combine', { parts, table, weight: weight ?? x, coefficients }, table.size / 2);
    const dx = x.like(`${label}.dx`);
    back.planes('input', { ...given, known: coefficients, dx });
    return [dx, ...parameters];
  };
  return differentiable(y, inputs, backward, graphBackward);
}

/** The same, of operations that are differentiable as often as one likes. */
function composed(
  { planes, pixels, per, channels, perElement, eps }: PlaneNorm,
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
): Tensor {
  const rows = viewOf(x, [planes / per, per * pixels]);
  const centred = sub(rows, mean(rows, 1, { keepDims: true }));
  const deviation = rsqrt(add(mean(mul(centred, centred), 1, { keepDims: true }), eps));
  const places = perElement ? [1, pixels] : [1, channels, 1];
  let y = viewOf(mul(centred, deviation), perElement ? [planes, pixels] : [planes / channels, channels, pixels]);
  if (weight) y = mul(y, viewOf(weight, places));
  if (bias) y = add(y, viewOf(bias, places));
  return viewOf(y, x.shape);
}

/** How planes are cut up, the same in all passes. */
interface Cutting {
  /** Pieces of a plane, and pixels of one. */
  count: number;
  piece: number;
  /** Lanes that share a piece. */
  each: number;
  /** Whether the lanes of a piece are joined before a row's pieces are. */
  joins: boolean;
}

function cutting(device: Device, { planes, pixels, per, channels, perElement }: PlaneNorm, affine: boolean): Cutting {
  const { lanes, maxUsefulWorkgroups } = device;
  const each = Math.min(lanes, 2 ** Math.max(0, Math.floor(Math.log2(pixels / LEAST_EACH))));
  const wanted = Math.ceil((maxUsefulWorkgroups * lanes) / (planes * each));
  const most = Math.min(Math.floor(MOST_PARTS / (per * each)), Math.ceil(pixels / LEAST_PIECE));
  const piece = Math.ceil(pixels / Math.max(1, Math.min(wanted, most)) / each) * each;
  const count = Math.ceil(pixels / piece);
  const parts = count * each;
  const forChannel = affine && !perElement && (planes / channels) * parts > MOST_SUMS;
  return { count, piece, each, joins: each > 1 && (per * parts > MOST_PARTS || forChannel) };
}

/** The three kinds of passes: EACH lanes a piece, an invocation each, or lanes over the pixels of planes. */
interface Passes {
  each(entry: string, bindings: Record<string, Tensor>): void;
  rows(entry: string, bindings: Record<string, Tensor>, invocations: number): void;
  planes(entry: string, bindings: Record<string, Tensor>): void;
  run(entry: string, bindings: Record<string, Tensor>, groups: Workgroups): void;
}

function passes(
  device: Device,
  { planes, pixels, per, channels, perElement }: PlaneNorm,
  { count, piece, each, joins }: Cutting,
  label: string,
  text: string,
  { weight, bias }: { weight: Tensor | undefined; bias: Tensor | undefined },
  more: Record<string, number>,
): Passes {
  const walk = planeGrid(device, 1, pixels, planes);
  const params = {
    planes,
    pixels,
    per,
    channels,
    count,
    piece,
    parts: joins ? 1 : each,
    run: walk.params.slice,
    ...more,
  };
  const affine = { WEIGHTED: weight !== undefined, BIASED: bias !== undefined, PER_ELEMENT: perElement };
  const run = (entry: string, bindings: Record<string, Tensor>, groups: Workgroups) => {
    const kernel = device.kernel(`${label}.${entry}`, text, entry, { EACH: each, ...affine });
    dispatch(kernel, bindings, params, groups);
  };
  const workgroups = Math.ceil((planes * count * each) / device.lanes);
  return {
    run,
    each: (entry, bindings) => run(entry, bindings, [Math.min(workgroups, device.maxUsefulWorkgroups)]),
    rows: (entry, bindings, invocations) => run(entry, bindings, invocationWorkgroups(device, invocations)),
    planes: (entry, bindings) => run(entry, bindings, walk.groups),
  };
}

/** What the lanes of each piece have found, as one. */
function joined(run: Passes, lanes: Tensor, { count }: Cutting): Tensor {
  const [planes = 1] = lanes.shape;
  const pieces = Tensor.temporary(lanes.device, [planes, count, 2], lanes.label);
  run.rows('join', { lanes, pieces }, planes * count);
  return pieces;
}

function parameterGradients(
  { label, pixels, channels, perElement }: PlaneNorm,
  shape: Shape,
  back: Passes,
  { x, dy, table }: { x: Tensor; dy: Tensor; table: Tensor },
  parts: Tensor | undefined,
  shares: number,
): { dweight: Tensor; dbias: Tensor } {
  const { device } = x;
  const [dweight, dbias] = ['dweight', 'dbias'].map((name) => Tensor.temporary(device, shape, `${label}.${name}`)) as [
    Tensor,
    Tensor,
  ];
  if (!perElement && parts) {
    back.rows('channels', { parts, dweight, dbias }, channels);
    return { dweight, dbias };
  }
  const partials = Tensor.temporary(device, [shares, pixels, 2], `${label}.places`);
  const across = Math.min(Math.ceil(pixels / device.lanes), device.maxUsefulWorkgroups);
  back.run('places', { x, dy, table, partials }, [across, shares]);
  back.rows('total', { lanes: partials, dweight, dbias }, pixels);
  return { dweight, dbias };
}
