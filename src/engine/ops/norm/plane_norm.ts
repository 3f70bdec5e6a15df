import forwardSource from '../../../../shaders/norm/plane_norm.wgsl';
import backwardSource from '../../../../shaders/norm/plane_norm_backward.wgsl';
import statistics from '../../../../shaders/norm/statistics.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Workgroups } from '../../gpu/program.ts';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch, invocationWorkgroups } from '../../tape/dispatch.ts';
import { type Backward, type Shape, Tensor } from '../../tape/tensor.ts';
import { planeGrid } from '../launch.ts';
import { normGradients } from './graph.ts';

/**
 * The common part of instance, group and layer norm: statistics of rows of adjacent planes. See
 * `shaders/norm/plane_norm.wgsl`.
 */

const source = `${forwardSource}\n${statistics}`;

/** What is normalised together, and which weights apply. */
export interface PlaneNorm {
  label: string;
  planes: number;
  pixels: number;
  /** Planes of a row, which has one set of statistics. */
  per: number;
  /** Planes of one picture. Weight and bias have one value for each, unless `perElement`. */
  channels: number;
  /** Weight and bias have one value per position of a plane, which is then a row. */
  perElement: boolean;
  eps: number;
}

/** The fewest values of a plane per lane, if other planes can occupy the lanes. */
const LEAST_EACH = 8;
/** The shortest piece of a plane. */
const LEAST_PIECE = 1024;
/**
 * The most parts that one invocation combines for its row, and that it adds up for its channel. With more, `join` runs
 * first.
 */
const MOST_PARTS = 256;
const MOST_SUMS = 1024;
/** The planes that one invocation adds up per position; more only if the shares would otherwise exceed MOST_SHARES. */
const MOST_PLANES = 256;
const MOST_SHARES = 4096;

/** y = (x − mean) / √(variance + eps) · weight + bias, for each row. */
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
  const graphBackward: Backward = (dy) => {
    const { dx, dweight, dbias } = normGradients({ x, weight, bias, ...viewsOf(norm), eps: norm.eps }, dy);
    return [dx, ...(weight ? [dweight] : []), ...(bias ? [dbias] : [])];
  };
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

/** Shapes of [pictures, rows per picture, planes per row, pixels per plane]. */
function viewsOf({ planes, pixels, per, channels, perElement }: PlaneNorm) {
  const [pictures, inPicture] = [planes / channels, channels / per];
  return {
    view: [pictures, inPicture, per, pixels],
    rows: [pictures, inPicture, 1, 1],
    parameters: perElement ? [1, 1, 1, pixels] : [1, inPicture, per, 1],
  };
}

/** How planes are cut into pieces, the same in all passes. */
interface Cutting {
  /** Pieces of a plane, and pixels of a piece. */
  count: number;
  piece: number;
  /** Lanes that share a piece. */
  each: number;
  /** Whether `join` combines the lanes of a piece before the pieces of a row are combined. */
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

/** Kinds of passes: EACH lanes per piece, one invocation per row, or lanes over the pixels of planes. */
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

/** Combines the results of each piece's lanes. */
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
