import source from '../../../../shaders/norm/batch/batch_norm_ranks.wgsl';
import combine from '../../../../shaders/norm/batch/combine.wgsl';
import statistics from '../../../../shaders/norm/statistics.wgsl';
import { dispatch, invocationWorkgroups } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { gatherFromRanks } from '../ranks/gather.ts';
import type { Ranks } from '../ranks/ranks.ts';
import type { Slicing } from './batch_norm_passes.ts';

const text = [source, combine, statistics].join('\n');

/** Parameters of the shader that describe the batch and the norm; names as in the shader. */
export interface RanksParams extends Omit<Slicing, 'step_pictures' | 'step_pixels'> {
  eps: number;
  momentum: number;
  moves: number;
}

/** Combines batch norm's results for the batches of several ranks. Records the meetings, too. */
export class BatchNormRanks {
  private readonly ranks: Ranks;
  private readonly params: RanksParams;

  constructor(ranks: Ranks, { channels, plane, n, slice, count, per, eps, momentum, moves }: RanksParams) {
    this.ranks = ranks;
    this.params = { channels, plane, n, slice, count, per, eps, momentum, moves };
  }

  /** Fills `table` and moves the running statistics as `combine` of batch_norm.wgsl does, over all ranks. */
  combine(x: Tensor, parts: Tensor, given: Readonly<Record<string, Tensor>>): void {
    const summary = Tensor.temporary(x.device, [this.params.channels, 4], 'batch_norm.summary');
    this.run('summarise', { x, parts, summary });
    const summaries = gatherFromRanks(this.ranks, [summary], 'batch_norm.summaries');
    this.run('combine', { summaries, ...given });
  }

  /** The coefficients for `input` of batch_norm_backward.wgsl, from the sums of all ranks. */
  slopes(dbias: Tensor, dweight: Tensor, table: Tensor): Tensor {
    const sums = gatherFromRanks(this.ranks, [dbias, dweight], 'batch_norm.sums');
    const slopes = table.like('batch_norm.slopes');
    this.run('slopes_of_all', { sums, known: table, slopes });
    return slopes;
  }

  private run(entry: string, bindings: Readonly<Record<string, Tensor>>): void {
    const [{ device }] = Object.values(bindings) as [Tensor];
    const params = { ...this.params, ranks: this.ranks.count, rank: this.ranks.rank };
    const kernel = device.kernel(`batch_norm_ranks.${entry}`, text, entry);
    dispatch(kernel, bindings, params, invocationWorkgroups(device, params.channels));
  }
}
