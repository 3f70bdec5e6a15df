import type { Ranks } from '../../src/engine/ops/ranks/ranks.ts';

/** Values of the ranks that have come to a meeting, and what each of them waits for. */
interface Meeting {
  values: Float32Array[];
  waiting: (() => void)[];
}

/** So many ranks in one process, which meet in its memory: to check what several compute without any MPI. */
export function ranksInOne(count: number): Ranks[] {
  const open = new Map<number, Meeting>();

  /** All ranks' values in their order, once the last of them has come. */
  async function meet(rank: number, values: Float32Array, number: number): Promise<readonly Float32Array[]> {
    const meeting = open.get(number) ?? { values: [], waiting: [] };
    open.set(number, meeting);
    meeting.values[rank] = values.slice();
    if (meeting.waiting.length < count - 1) await new Promise<void>((go) => meeting.waiting.push(go));
    else {
      open.delete(number);
      for (const go of meeting.waiting) go();
    }
    return meeting.values;
  }

  return Array.from({ length: count }, (_, rank) => ({
    rank,
    count,
    async mean(values, number) {
      const all = await meet(rank, values, number);
      return values.map((_, i) => all.reduce((sum, of) => Math.fround(sum + (of[i] as number)), 0) / count);
    },
    async gather(values, number) {
      const all = await meet(rank, values, number);
      return Float32Array.from(all.flatMap((of) => [...of]));
    },
  }));
}
