import { RandomStream } from '../../../engine/util/random.ts';
import type { Dataset, Pair } from './dataset.ts';

/** Random streams. Initial weights use (seed, 1 or 2, tensor). */
const SHUFFLE = 101;
const AUGMENT = 102;

export interface Batch {
  /** NCHW, values in [0, 1]. */
  real: Float32Array;
  condition: Float32Array;
  /** The epoch that the batch belongs to, from 0. */
  epoch: number;
}

/**
 * Steps per epoch. All batches are full, because the recorded step has a fixed shape: the remainder of an epoch is
 * dropped (PyTorch's `drop_last=True`), a different one each epoch. A data set smaller than a batch makes one step,
 * with repetitions.
 */
export function stepsPerEpoch(pairs: number, batchSize: number): number {
  return Math.max(1, Math.floor(pairs / batchSize));
}

/** How items become batches. */
export interface Batching {
  batchSize: number;
  seed: number;
  /** Take items in order, each batch continuing after the last one. By default each epoch is shuffled. */
  serial?: boolean | undefined;
  /** The part of each batch to load; by default all of it. */
  part?: BatchPart | undefined;
}

/** The `rank`-th of `count` equal parts of a batch, in its order. */
export interface BatchPart {
  rank: number;
  count: number;
}

/**
 * Loads the batch of each step. Order and augmentation are pure functions of (seed, step), so that a resumed run sees
 * the same batches. The next batch is loaded while one is in use.
 */
export class StepLoader<B> {
  readonly length: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly serial: boolean;
  private readonly part: BatchPart;
  private readonly load: (step: number, indices: number[], first: number) => Promise<B>;
  private order: { epoch: number; indices: number[] } | undefined;
  private next: { step: number; batch: Promise<B> } | undefined;

  /**
   * @param length number of items
   * @param load makes a step's batch from the items with the given indices; `first` is the place of the first one in
   *   the whole batch
   */
  constructor(
    length: number,
    { batchSize, seed, serial = false, part = { rank: 0, count: 1 } }: Batching,
    load: (step: number, indices: number[], first: number) => Promise<B>,
  ) {
    this.length = length;
    this.batchSize = batchSize;
    this.seed = seed;
    this.serial = serial;
    this.part = part;
    this.load = load;
  }

  /** The epoch, from 0, that step `step` (from 0) belongs to. */
  epochOf(step: number): number {
    return Math.floor(step / this.stepsPerEpoch);
  }

  /** Whether an epoch begins with step `step`. */
  beginsEpoch(step: number): boolean {
    return step % this.stepsPerEpoch === 0;
  }

  get stepsPerEpoch(): number {
    return stepsPerEpoch(this.length, this.batchSize);
  }

  /**
   * Loads the batch of a step.
   * @throws PixtapeError naming the file that cannot be decoded
   */
  async batch(step: number): Promise<B> {
    const batch = await (this.next?.step === step ? this.next.batch : this.loadPart(step));
    const following = this.loadPart(step + 1);
    following.catch(() => undefined); // reported when that batch is requested, if ever
    this.next = { step: step + 1, batch: following };
    return batch;
  }

  /** Loads this rank's part of the batch. */
  private loadPart(step: number): Promise<B> {
    const { rank, count } = this.part;
    const size = this.batchSize / count;
    const first = rank * size;
    return this.load(step, this.indices(step).slice(first, first + size), first);
  }

  /** Indices of the items in the batch of a step, of all ranks together. */
  indices(step: number): number[] {
    const { length, batchSize } = this;
    if (this.serial) return Array.from({ length: batchSize }, (_, i) => (step * batchSize + i) % length);
    const epoch = this.epochOf(step);
    if (this.order?.epoch !== epoch) {
      this.order = { epoch, indices: new RandomStream(this.seed, SHUFFLE, epoch).permutation(length) };
    }
    const { indices } = this.order;
    const first = (step - epoch * this.stepsPerEpoch) * this.batchSize;
    return Array.from({ length: batchSize }, (_, i) => indices[(first + i) % length] as number);
  }
}

/** The random numbers that augment an item of a step. */
export const augmentation = (seed: number, step: number, slot: number): RandomStream =>
  new RandomStream(seed, AUGMENT, step, slot);

/** Batches of pairs. */
export class BatchLoader extends StepLoader<Batch> {
  readonly dataset: Dataset;

  constructor(dataset: Dataset, how: Batching) {
    if (dataset.length === 0) throw new Error('no pairs to make batches of');
    super(dataset.length, how, async (step, indices, first) => {
      const pairs = await Promise.all(
        indices.map((index, slot) => dataset.pair(index, augmentation(how.seed, step, first + slot))),
      );
      return { real: join(pairs, 'real'), condition: join(pairs, 'condition'), epoch: this.epochOf(step) };
    });
    this.dataset = dataset;
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
