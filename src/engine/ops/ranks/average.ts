import { Staging } from '../../gpu/memory/staging.ts';
import type { Program } from '../../gpu/program.ts';
import type { Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/current.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { type AverageTimes, nextMeeting, type Ranks } from './ranks.ts';

/**
 * Bytes of a bucket: a share of the network, so that the first leaves early; large enough to make its latency negligible;
 * small enough that its copy does not hold up the next.
 */
const BUCKET = { share: 1 / 4, least: 2 ** 18, most: 2 ** 23 };

/** Tensors that travel together, and the index of the dispatch after the last that writes one of them. */
interface Bucket {
  storages: Storage[];
  bytes: number;
  at: number;
}

export interface AverageOptions {
  /** Whether values may be rounded on their way between the ranks; default false. */
  mayRound?: boolean;
  /** Bytes of a full bucket; default a quarter of all, within 256 KiB to 8 MiB. */
  bucketBytes?: number;
}

/** The default bytes of a bucket for these tensors. */
function bucketBytesOf(tensors: readonly Tensor[]): number {
  const all = tensors.reduce((sum, { size }) => sum + 4 * size, 0);
  return Math.min(Math.max(BUCKET.share * all, BUCKET.least), BUCKET.most);
}

/**
 * Completes the gradients of these weights bucket by bucket. Call it before a `backward` that `averageOverRanks` follows:
 * otherwise one dispatch at the end of the backward pass does all its small sums, and no bucket can leave before that.
 */
export function completeByBucket(weights: readonly Tensor[]): void {
  const [first] = weights;
  if (first) currentProgram(first.device).mostDeferredBytes = bucketBytesOf(weights);
}

/**
 * Replaces these tensors by their means over all ranks. Call it after `backward` and before the optimizer's step. They
 * leave in buckets, each as soon as the program has computed all of it, while the rest of the backward pass still runs.
 * The new values arrive together, at this place in the program.
 *
 * Source: Li et al. 2020, "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", section 3.2.3.
 * @param tensors float32 temporaries of the program; nothing that is recorded in between may read one
 */
export function averageOverRanks(
  ranks: Ranks,
  tensors: readonly Tensor[],
  { mayRound = false, bucketBytes = bucketBytesOf(tensors) }: AverageOptions = {},
): void {
  const [first] = tensors;
  if (!first) return;
  const program = currentProgram(first.device);
  const storages = [...new Set(tensors.map(({ storage }) => storage))];
  const clock = new Clock(ranks.times);
  const arrivals = bucketsOf(program, storages, bucketBytes).map((bucket) => {
    const staging = new Staging(program.device, bucket.storages);
    program.onDestroy(() => staging.destroy());
    clock.stagings.push(staging);
    const meeting = nextMeeting(program);
    let spare: Float32Array | undefined;
    let arriving: Promise<Float32Array> | undefined;
    program.cut(
      () => {
        arriving = staging.read(spare).then((values) => {
          clock.leaves();
          return ranks.mean(values, meeting, mayRound);
        });
        // The wait below reports an error.
        arriving.catch(() => undefined);
        return undefined;
      },
      bucket.storages,
      bucket.at,
    );
    return async () => {
      spare = await arriving;
      if (spare) staging.write(spare);
    };
  });
  program.cut(async () => {
    const start = performance.now();
    for (const arrive of arrivals) await arrive();
    clock.isBack(start);
  }, storages);
}

/** How many averages are under way, and since when at least one has been: spans overlap, and must not count twice. */
interface UnderWay {
  count: number;
  since: number;
}

const underWayOf = new WeakMap<AverageTimes, UnderWay>();

/** Measures where the time of an average goes, if the ranks keep `times`. */
class Clock {
  readonly stagings: Staging[] = [];
  private readonly times: AverageTimes | undefined;
  private readonly underWay: UnderWay | undefined;
  private first: number | undefined;
  private last = 0;

  constructor(times: AverageTimes | undefined) {
    this.times = times;
    if (!times) return;
    this.underWay = underWayOf.get(times) ?? { count: 0, since: 0 };
    underWayOf.set(times, this.underWay);
  }

  /** Call it when values are on the host. */
  leaves(): void {
    this.last = performance.now();
    if (this.first !== undefined) return;
    this.first = this.last;
    if (this.underWay && this.underWay.count++ === 0) this.underWay.since = this.first;
  }

  /** Call it when all of them have come back. @param start when the program began to wait for them */
  isBack(start: number): void {
    const { times, underWay, first, last } = this;
    if (!times || !underWay || first === undefined) return;
    const now = performance.now();
    if (--underWay.count === 0) times.span += (now - underWay.since) / 1000;
    times.exposed += (now - Math.max(last, start)) / 1000;
    for (const staging of this.stagings) {
      times.copying += staging.seconds;
      staging.seconds = 0;
    }
    this.first = undefined;
  }
}

/** Puts storages into buckets, in the order in which the program completes them. */
function bucketsOf(program: Program, storages: readonly Storage[], bucketBytes: number): Bucket[] {
  program.recordDeferred(storages);
  const { lastWrites } = program;
  const ordered = storages
    .map((storage) => {
      const last = lastWrites.get(storage) ?? lastWrites.get(program.placeOf(storage).base);
      if (last === undefined) throw new Error(`averageOverRanks: nothing has written ${storage.label}`);
      if (storage.dtype !== 'f32') throw new Error(`averageOverRanks: ${storage.label} holds ${storage.dtype}`);
      return { storage, at: last + 1 };
    })
    .sort((a, b) => a.at - b.at);
  const buckets: Bucket[] = [];
  for (const { storage, at } of ordered) {
    const open = buckets.at(-1);
    if (open && open.bytes < bucketBytes) {
      open.storages.push(storage);
      open.bytes += storage.bytes;
      open.at = at;
    } else buckets.push({ storages: [storage], bytes: storage.bytes, at });
  }
  return buckets;
}
