import leakyRelu from '../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import forwardText from '../../../../shaders/norm/batch/batch_norm.wgsl';
import backwardText from '../../../../shaders/norm/batch/batch_norm_backward.wgsl';
import before from '../../../../shaders/norm/batch/before.wgsl';
import beforeDropout from '../../../../shaders/norm/batch/before_dropout.wgsl';
import channel from '../../../../shaders/norm/batch/channel.wgsl';
import combine from '../../../../shaders/norm/batch/combine.wgsl';
import write from '../../../../shaders/norm/batch/write.wgsl';
import writeDropout from '../../../../shaders/norm/batch/write_dropout.wgsl';
import statistics from '../../../../shaders/norm/statistics.wgsl';
import philox from '../../../../shaders/random/philox.wgsl';
import { differentiable, isRecomputing } from '../../tape/autograd.ts';
import { invocationWorkgroups } from '../../tape/dispatch.ts';
import { type Backward, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aBoolean, aNumber, aTensor, checkArguments, checkOptions, optional } from '../arguments.ts';
import { throughLeakyRelu } from '../elementwise/activations.ts';
import { scale } from '../elementwise/arithmetic.ts';
import { checkRate, type DropoutOptions, dropout, dropoutParams } from '../random/dropout.ts';
import { defaultRng } from '../random/rng.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { gathered, meets, passes, perSlice, type Slicing, slicing } from './batch_norm_passes.ts';
import { BatchNormRanks } from './batch_norm_ranks.ts';
import { EPS, type NormOptions } from './check.ts';
import { fixedNormGradients, normGradients } from './graph.ts';

const source = [forwardText, channel, combine, write, statistics, leakyRelu].join('\n');
const droppingSource = [forwardText, channel, combine, writeDropout, philox, statistics, leakyRelu].join('\n');
const backwardSource = [backwardText, channel, before, leakyRelu].join('\n');
const droppingBackwardSource = [backwardText, channel, beforeDropout, leakyRelu].join('\n');

export interface BatchNormOptions extends NormOptions {
  /** Whether to use the batch's own mean and variance, or the running ones. */
  training: boolean;
  /** Slope of a leaky ReLU on the result, in the same pass: 0 for a ReLU, 1 for none; default 1. */
  slope?: number;
  /**
   * Dropout after the leaky ReLU; in the same pass if that is a ReLU and the number of pictures is a multiple of four.
   */
  dropout?: DropoutOptions | undefined;
  /** The share of the running statistics that each batch replaces; default 0.1. */
  momentum?: number;
  /** In training mode: take the statistics over the batches of all ranks, which must have equal sizes. */
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
  dropout: { wanted: 'a rate and random numbers', fits: () => true },
};

/**
 * Batch norm of each channel over batch and plane: x (N, C, …) → (x − mean) / √(variance + eps) · weight + bias.
 *
 * In training mode mean and (biased) variance are the batch's own. Each run of the program also moves the running
 * statistics by `momentum` towards mean and unbiased variance, and counts the batch. Calls do so in the order of
 * recording, so one set of statistics may be used twice in a program. Evaluation mode uses the running statistics and
 * does not change them. Gradients of any order; over several ranks of the first order only.
 *
 * @param weight (C), as bias
 * @param runningMean (C), a leaf, as runningVar
 * @param batchesTracked a leaf of one element, whose 32-bit word is a u32 and not a float
 * @throws PixtapeError if shapes do not fit, a running statistic is not a leaf, or, in training mode, a channel has
 *   only one value
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
  const { training, slope = 1, eps = EPS, momentum = 0.1, ranks, dropout: drop } = options;
  const running = { runningMean, runningVar };
  const s = slicing(x);
  check(x, s, { weight, bias, ...running }, { ...running, batchesTracked });
  if (training && s.n === 1) {
    throw new PixtapeError(
      `batchNorm: [${x.shape}] has one value per channel, too few for statistics`,
      'Use a larger picture or batch, a smaller depth, or evaluation mode.',
    );
  }
  const mask = maskInPassing(x, slope, drop);
  if (drop && !mask) {
    const y = batchNorm(x, weight, bias, runningMean, runningVar, batchesTracked, { ...options, dropout: undefined });
    return dropout(y, drop.rate, drop.rng);
  }
  const how = { ...s, eps, momentum, moves: isRecomputing() ? 0 : 1 };
  const params = { ...how, training: training ? 1 : 0, slope, ...(mask?.params ?? NO_MASK) };
  const run = passes(x, 'batch_norm', source, params);
  const finish = mask ? passes(x, 'batch_norm.dropout', droppingSource, params) : run;
  const together = training && ranks ? new BatchNormRanks(ranks, how) : undefined;
  const table = Tensor.temporary(x.device, [s.channels, 4], 'batch_norm.table');
  const given = { weight, bias, table };
  const perChannel = invocationWorkgroups(x.device, s.channels);
  const y = x.like('batch_norm');
  const written = { y, ...(mask && { key: mask.key }) };
  // Ranks meet between two dispatches, so the pass that normalises cannot combine the statistics itself.
  const onTheWay = meets(x.device) && !together;
  const atOnce = onTheWay && s.count === 1;
  const found = { running_mean: runningMean, running_var: runningVar, ...given };
  if (training && atOnce) finish('single_slice', { x, tracked: batchesTracked, ...found, ...written }, perSlice(s));
  else if (training) {
    const pass = (partials: Tensor) => run('statistics', { x, tracked: batchesTracked, partials }, perSlice(s));
    const parts = gathered(x, s, pass, run);
    if (together) together.combine(x, parts, found);
    else if (onTheWay) finish('normalise_batch', { x, parts, ...found, ...written }, perSlice(s));
    else run('combine', { x, parts, ...found }, perChannel);
  } else run('evaluate', { fixed_mean: runningMean, fixed_var: runningVar, ...given }, perChannel);
  if (!training || !onTheWay) finish('normalise', { x, known: table, ...written }, perSlice(s));
  const graphBackward: Backward = (dy) => {
    const dr = slope === 1 ? dy : throughLeakyRelu(y, dy, slope);
    // Where dropout set the result to 0, the ReLU's gradient is 0, too.
    const dz = mask ? scale(dr, mask.params.factor) : dr;
    const parameters = [1, s.channels, ...x.shape.slice(2).map(() => 1)];
    const given = { x, weight, bias, parameters, eps };
    const { dx, dweight, dbias } = training
      ? normGradients({ ...given, view: x.shape, rows: parameters }, dz)
      : fixedNormGradients(given, { mean: runningMean, variance: runningVar }, dz);
    return [dx, dweight, dbias];
  };
  const backward: Backward = (dy, [needsX]) => {
    const params = { ...s, share: training ? 1 / s.n : 0, slope, factor: mask?.params.factor ?? 1 };
    const back = mask
      ? passes(x, 'batch_norm_backward.dropout', droppingBackwardSource, params)
      : passes(x, 'batch_norm_backward', backwardSource, params);
    const values = { x, dy, table, ...(mask && { y }) };
    const dweight = weight.like('batch_norm.dweight');
    const dbias = bias.like('batch_norm.dbias');
    const dx = needsX ? x.like('batch_norm.dx') : undefined;
    if (dx && atOnce) {
      back('single_slice', { ...values, dweight, dbias, dx }, perSlice(s));
      return [dx, dweight, dbias];
    }
    const parts = gathered(x, s, (partials) => back('sums', { ...values, partials }, perSlice(s)), back);
    const found = { parts, table, dweight, dbias };
    if (dx && onTheWay) back('input_batch', { ...values, ...found, dx }, perSlice(s));
    else {
      const slopes = table.like('batch_norm.slopes');
      back('combine', { ...found, slopes }, perChannel);
      if (dx) back('input', { ...values, known: together?.slopes(dbias, dweight, table) ?? slopes, dx }, perSlice(s));
    }
    return [dx, dweight, dbias];
  };
  return differentiable(y, [x, weight, bias], backward, together ? undefined : graphBackward);
}

const NO_MASK = { layer: 0, threshold: 0, factor: 1 };

/** Parameters for doing dropout in the pass that writes y; undefined if that pass cannot, or if there is none to do. */
function maskInPassing({ device, shape }: Tensor, slope: number, drop: DropoutOptions | undefined) {
  if (!drop) return undefined;
  const { rate, rng = defaultRng(device) } = drop;
  checkRate(rate);
  // One invocation uses a random block for four pictures, and the backward pass sees from y = 0 what was dropped.
  const fits = slope === 0 && (shape[0] ?? 1) % 4 === 0 && rng.part.count === 1;
  if (rate === 0 || !fits) return undefined;
  return { key: rng.key, params: { layer: rng.nextLayer(), ...dropoutParams(rate) } };
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
