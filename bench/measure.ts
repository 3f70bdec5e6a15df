/** Something to time. `run` does it `times` times, waits for all of them, and returns the milliseconds. */
export interface Entry {
  name: string;
  run(times: number): Promise<number>;
}

/** Milliseconds of one run. */
export interface Timing {
  median: number;
  min: number;
  max: number;
  rounds: number[];
}

/** An entry that throws is dropped with its message; the others go on. */
export type Outcome = Timing | { failed: string };

export interface Rounds {
  /** At least five, unless the user asks for fewer. */
  rounds: number;
  /** Short runs are repeated within a round until they make up about this many milliseconds; 0: never. */
  least: number;
}

export const DEFAULT_ROUNDS: Rounds = { rounds: 5, least: 20 };
/** From this many milliseconds on, a single run measures the duration. */
const LONG = 1000;
/** Most runs to queue at once. */
const MOST_TIMES = 64;

/**
 * Times the entries side by side. Each runs once to warm up and, if short, once more to see how long it takes. Then
 * every round runs each in turn, A B C A B C, so that other load on the machine affects all of them alike.
 */
export async function interleave(entries: readonly Entry[], { rounds, least }: Rounds): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const running = new Map<Entry, { times: number; milliseconds: number[] }>();
  const attempt = async (entry: Entry, times: number): Promise<number | undefined> => {
    try {
      return await entry.run(times);
    } catch (error) {
      outcomes.set(entry.name, { failed: (error as Error).message.split('\n')[0] ?? '' });
      running.delete(entry);
      return undefined;
    }
  };
  for (const entry of entries) {
    const first = await attempt(entry, 1);
    if (first === undefined) continue;
    const once = least > 0 && first < LONG ? await attempt(entry, 1) : first;
    if (once === undefined) continue;
    running.set(entry, { times: Math.min(MOST_TIMES, Math.max(1, Math.ceil(least / once))), milliseconds: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [entry, { times, milliseconds }] of [...running]) {
      const all = await attempt(entry, times);
      if (all !== undefined) milliseconds.push(all / times);
    }
  }
  for (const [entry, { milliseconds }] of running) outcomes.set(entry.name, summary(milliseconds));
  return outcomes;
}

export function summary(milliseconds: readonly number[]): Timing {
  if (milliseconds.length === 0) throw new Error('nothing was measured');
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
  return { median, min: sorted[0] as number, max: sorted.at(-1) as number, rounds: [...milliseconds] };
}

/** The timing; undefined for an entry that failed. */
export function timing(outcome: Outcome | undefined): Timing | undefined {
  return outcome && 'median' in outcome ? outcome : undefined;
}
