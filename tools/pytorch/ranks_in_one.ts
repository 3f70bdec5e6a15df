import type { Ranks } from '../../src/engine/ops/ranks/ranks.ts';

/** Values of the ranks that have reached a meeting, and the promise each waits for. */
interface Meeting {
  values: Float32Array[];
  waiting: (() => void)[];
}

/**
 * Makes ranks within one process, which exchange values in memory: checks computations on several ranks without MPI.
 */
export function ranksInOne(count: number): Ranks[] {
  const open = new Map<number, Meeting>();

  /** Returns all ranks' values in order, once the last rank has arrived. */
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
