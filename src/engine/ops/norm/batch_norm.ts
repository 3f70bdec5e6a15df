import leakyRelu from '../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import forwardSource from '../../../../shaders/norm/batch_norm.wgsl';
import gradientSource from '../../../../shaders/norm/batch_norm_backward.wgsl';
import statistics from '../../../../shaders/norm/statistics.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Workgroups } from '../../gpu/program.ts';
import { differentiable, isRecomputing } from '../../tape/autograd.ts';
import { dispatch, invocationWorkgroups, split1d } from '../../tape/dispatch.ts';
import { type Backward, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aBoolean, aNumber, aTensor, checkArguments, checkOptions, optional } from '../arguments.ts';
import { throughLeakyRelu } from '../elementwise/activations.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { BatchNormRanks } from './batch_norm_ranks.ts';
import { EPS, type NormOptions } from './check.ts';
import { fixedNormGradients, normGradients } from './graph.ts';

const source = `${forwardSource}\n${statistics}\n${leakyRelu}`;
const backwardSource = `${gradientSource}\n${leakyRelu}`;

/** No slice is shorter (a multiple of any LANES), and no channel has more slices: they are joined one by one. */
const LEAST_SLICE = 1024;
const MOST_SLICES = 64;
/** What one invocation may add up for its channel without more of them joining in first. */
const MOST_PARTS = 256;

/** How a channel's values are cut up, the same in all passes; the names are those of the shaders. */
interface Slicing {
  channels: number;
  plane: number;
  n: number;
  slice: number;
  count: number;
  per: number;
  step_pictures: number;
  step_pixels: number;
}

export interface BatchNormOptions extends NormOptions {
  /** Whether mean and variance are the batch's own, or the running ones. */
  training: boolean;
  /** Of a leaky ReLU on the result, in the same pass: 0 for a ReLU, 1 for none; default 1. */
  slope?: number;
  /** How much of the running statistics each batch replaces, default 0.1. */
  momentum?: number;
  /** In training mode: take the statistics over the batches of all ranks, which must be of one size. */
  ranks?: Ranks | undefined;
}

const TENSORS = {
  x: aTensor,
  weight: aTensor,
  bias: aTensor,
  runningMean: aTensor,
  runningVar: aTensor,
  batchesTracked: aTensor,
};
const OPTIONS = {
  training: aBoolean,
  slope: optional(aNumber({ least: 0, finite: true })),
  eps: optional(aNumber({ least: 0, finite: true })),
  momentum: optional(aNumber({ least: 0, most: 1 })),
  ranks: { wanted: 'the ranks of a run', fits: () => true },
};

/**
 * Batch norm of each channel over batch and plane: x (N, C, …) → (x − mean) / √(variance + eps) · weight + bias.
 *
 * In training mode mean and (biased) variance are the batch's own; the program also moves the running statistics by
 * `momentum` towards mean and unbiased variance, and counts the batch, each time it runs, in the order of recording, so
 * one set may be used twice in a program. In evaluation mode the running statistics are used and left as they are.
 * Gradients of any order; over several ranks of the first.
 *
 * @param weight (C), as bias
 * @param runningMean (C), a leaf, as runningVar
 * @param batchesTracked a leaf of one element, whose 32-bit word is a u32 and not a float
 * @throws PixtapeError if shapes do not fit, a running statistic is no leaf, or, in training mode, a channel has only
 *   one value
 *
 * Source: Ioffe & Szegedy 2015, "Batch Normalization"; numbers as `torch.nn.BatchNorm2d` has them by default.
 */
export function batchNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  batchesTracked: Tensor,
  options: BatchNormOptions,
): Tensor {
  checkArguments('batchNorm', TENSORS, { x, weight, bias, runningMean, runningVar, batchesTracked });
  checkOptions('batchNorm', OPTIONS, options);
  const { training, slope = 1, eps = EPS, momentum = 0.1, ranks } = options;
  const running = { runningMean, runningVar };
  const s = slicing(x);
  check(x, s, { weight, bias, ...running }, { ...running, batchesTracked });
  if (training && s.n === 1) {
    throw new PixtapeError(
      `batchNorm: [${x.shape}] has one value for each channel, which is no batch to take statistics of`,
      'Use a larger picture or batch, a smaller depth, or evaluation mode.',
    );
  }
  const how = { ...s, eps, momentum, moves: isRecomputing() ? 0 : 1 };
  const run = passes(x, 'batch_norm', source, { ...how, training: training ? 1 : 0, slope });
  const together = training && ranks ? new BatchNormRanks(ranks, how) : undefined;
  const table = Tensor.temporary(x.device, [s.channels, 4], 'batch_norm.table');
  const given = { weight, bias, table };
  const perChannel = invocationWorkgroups(x.device, s.channels);
  const y = x.like('batch_norm');
  // Ranks meet between two dispatches, so that whoever normalises cannot gather on the way.
  const onTheWay = meets(x.device) && !together;
  if (training) {
    const pass = (partials: Tensor) => run('statistics', { x, tracked: batchesTracked, partials }, perSlice(s));
    const parts = gathered(x, s, pass, run);
    const found = { running_mean: runningMean, running_var: runningVar, ...given };
    if (together) together.combine(x, parts, found);
    else if (onTheWay) run('normalise_batch', { x, parts, ...found, y }, perSlice(s));
    else run('combine', { x, parts, ...found }, perChannel);
  } else run('evaluate', { fixed_mean: runningMean, fixed_var: runningVar, ...given }, perChannel);
  if (!training || !onTheWay) run('normalise', { x, known: table, y }, perSlice(s));
  const graphBackward: Backward = (dy) => {
    const dz = slope === 1 ? dy : throughLeakyRelu(y, dy, slope);
    const parameters = [1, s.channels, ...x.shape.slice(2).map(() => 1)];
    const given = { x, weight, bias, parameters, eps };
    const { dx, dweight, dbias } = training
      ? normGradients({ ...given, view: x.shape, rows: parameters }, dz)
      : fixedNormGradients(given, { mean: runningMean, variance: runningVar }, dz);
    return [dx, dweight, dbias];
  };
  const backward: Backward = (dy, [needsX]) => {
    const back = passes(x, 'batch_norm_backward', backwardSource, { ...s, share: training ? 1 / s.n : 0, slope });
    const parts = gathered(x, s, (partials) => back('sums', { x, dy, table, partials }, perSlice(s)), back);
    const dweight = weight.like('batch_norm.dweight');
    const dbias = bias.like('batch_norm.dbias');
    const found = { parts, table, dweight, dbias };
    const dx = needsX ? x.like('batch_norm.dx') : undefined;
    if (dx && onTheWay) back('input_batch', { x, dy, ...found, dx }, perSlice(s));
    else {
      const slopes = table.like('batch_norm.slopes');
      back('combine', { ...found, slopes }, perChannel);
      if (dx)
        back('input', { x, dy, table, known: together?.slopes(dbias, dweight, table) ?? slopes, dx }, perSlice(s));
    }
    return [dx, dweight, dbias];
  };
  return differentiable(y, [x, weight, bias], backward, together ? undefined : graphBackward);
}

type Pass = (entry: string, bindings: Readonly<Record<string, Tensor>>, groups: Workgroups) => void;

function passes({ device }: Tensor, label: string, text: string, params: Readonly<Record<string, number>>): Pass {
  return (entry, bindings, groups) => {
    dispatch(device.kernel(`${label}.${entry}`, text, entry, { MEET: meets(device) }), bindings, params, groups);
  };
}

/** Whether the lanes of a workgroup put together what they have found: a CPU driver pays more for a barrier than for a dispatch. */
function meets({ capabilities }: Device): boolean {
  return !capabilities.cpu;
}

/** What a pass over x finds, two numbers for each lane, or for each slice where lanes meet or are many. */
function gathered({ device }: Tensor, s: Slicing, pass: (partials: Tensor) => void, run: Pass): Tensor {
  const slices = Tensor.temporary(device, [s.channels, s.count, 2], 'batch_norm.slices');
  if (meets(device)) {
    pass(slices);
    return slices;
  }
  const lanes = Tensor.temporary(device, [s.channels, s.count, device.lanes, 2], 'batch_norm.lanes');
  pass(lanes);
  if (s.per > 1) return lanes;
  run('join', { lanes, slices }, invocationWorkgroups(device, s.channels * s.count));
  return slices;
}

function perSlice(s: Slicing): Workgroups {
  return [s.count, ...split1d(s.channels)];
}

function slicing(x: Tensor): Slicing {
  const [batch = 1, channels = 1, ...rest] = x.shape;
  const plane = sizeOf(rest);
  const n = batch * plane;
  const { maxUsefulWorkgroups, lanes } = x.device;
  const wanted = Math.min(MOST_SLICES, Math.ceil(maxUsefulWorkgroups / channels));
  const slice = Math.max(LEAST_SLICE, Math.ceil(n / wanted / lanes) * lanes);
  const count = Math.ceil(n / slice);
  return {
    channels,
    plane,
    n,
    slice,
    count,
    per: meets(x.device) || count * lanes > MOST_PARTS ? 1 : lanes,
    step_pictures: Math.floor(lanes / plane),
    step_pixels: lanes % plane,
  };
}

function check(x: Tensor, s: Slicing, perChannel: Record<string, Tensor>, leaves: Record<string, Tensor>): void {
  if (x.shape.length < 2) throw new PixtapeError(`batchNorm: the input is [${x.shape}]; expected (N, C, …)`);
  for (const [name, t] of Object.entries(perChannel)) {
    if (t.size === s.channels) continue;
    throw new PixtapeError(`batchNorm: ${name} is [${t.shape}], the input [${x.shape}] has ${s.channels} channels`);
  }
  for (const [name, t] of Object.entries(leaves)) {
    if (t.storage.persistent) continue;
    throw new PixtapeError(
      `batchNorm: ${name} is the result of an operation`,
      'Running statistics must be leaf tensors.',
    );
  }
  if (leaves.batchesTracked?.size !== 1) throw new PixtapeError('batchNorm: batchesTracked must be one element');
}
