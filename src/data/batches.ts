import { RandomStream } from '../util/random.ts';
import type { Dataset, Pair } from './dataset.ts';

/** What the streams are for; initial weights use (seed, 1 or 2, tensor). */
const SHUFFLE = 101;
const AUGMENT = 102;

export interface Batch {
  /** NCHW, values in [0, 1]. */
  real: Float32Array;
  condition: Float32Array;
  /** The epoch that the batch belongs to, from 0. */
  epoch: number;
  /** Epochs done before this batch, with the fraction of the one under way. */
  epochsDone: number;
}

/**
 * Steps in an epoch. Every batch is full, because the recorded step has one shape: what is left over at an epoch's end
 * is dropped (PyTorch's `drop_last=True`), a different remainder each epoch. A data set smaller than a batch makes one
 * step, filled by going round again.
 */
export function stepsPerEpoch(pairs: number, batchSize: number): number {
  return Math.max(1, Math.floor(pairs / batchSize));
}

/**
 * Batches in an order shuffled anew every epoch. Order, flips and jitter are a pure function of (seed, step), so that a
 * resumed run sees what it would have seen. While one batch is used the next is being loaded.
 */
export class BatchLoader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  readonly seed: number;
  private order: { epoch: number; indices: number[] } | undefined;
  private next: { step: number; batch: Promise<Batch> } | undefined;

  constructor(dataset: Dataset, { batchSize, seed }: { batchSize: number; seed: number }) {
    if (dataset.length === 0) throw new Error('no pairs to make batches of');
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.seed = seed;
  }

  /** The epoch, from 0, that step `step` (from 0) belongs to. */
  epochOf(step: number): number {
    return Math.floor(step / this.stepsPerEpoch);
  }

  private get stepsPerEpoch(): number {
    return stepsPerEpoch(this.dataset.length, this.batchSize);
  }

  /**
   * The batch of one step.
   * @throws PixtapeError naming the file that cannot be decoded.
   */
  async batch(step: number): Promise<Batch> {
    const batch = await (this.next?.step === step ? this.next.batch : this.load(step));
    const following = this.load(step + 1);
    following.catch(() => undefined); // told when that batch is asked for, if ever
    this.next = { step: step + 1, batch: following };
    return batch;
  }

  /** Which pairs make up the batch of a step. */
  indices(step: number): number[] {
    const { length } = this.dataset;
    const epoch = this.epochOf(step);
    if (this.order?.epoch !== epoch) {
      this.order = { epoch, indices: new RandomStream(this.seed, SHUFFLE, epoch).permutation(length) };
    }
    const { indices } = this.order;
    const first = (step - epoch * this.stepsPerEpoch) * this.batchSize;
    return Array.from({ length: this.batchSize }, (_, i) => indices[(first + i) % length] as number);
  }

  private async load(step: number): Promise<Batch> {
    const pairs = await Promise.all(
      this.indices(step).map((index, slot) =>
        this.dataset.pair(index, new RandomStream(this.seed, AUGMENT, step, slot)),
      ),
    );
    const when = { epoch: this.epochOf(step), epochsDone: step / this.stepsPerEpoch };
    return { real: join(pairs, 'real'), condition: join(pairs, 'condition'), ...when };
  }
}

function join(pairs: readonly Pair[], side: 'real' | 'condition'): Float32Array {
  const size = pairs[0]?.[side].length ?? 0;
  const joined = new Float32Array(pairs.length * size);
  pairs.forEach((pair, i) => {
    joined.set(pair[side], i * size);
  });
  return joined;
}
