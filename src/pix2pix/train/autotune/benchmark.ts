/** One way of computing something, ready to be run on the device. */
export interface Trial {
  /** Runs it and returns the milliseconds of one run. */
  run(): Promise<number>;
  /** The result of the last run. */
  result(): Promise<Float32Array>;
  destroy(): void;
}

export interface Entry {
  choice: string;
  /** Median of the interleaved runs; for candidates excluded as slow, the fastest run. */
  ms?: number;
  /** Why it was excluded, if it was. */
  excluded?: string;
}

export interface BenchmarkResult {
  /** The default, unless another one is clearly faster. */
  chosen: string;
  /** The default first. */
  entries: Entry[];
}

/** Another choice has to save this fraction of the default's time; less is noise. */
export const LEAST_GAIN = 0.05;
const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 25;
/** Milliseconds of interleaved runs per contender, unless the minimum of rounds takes longer. */
const ENOUGH_MS = 300;
/** A contender is out if its first three runs all take this many times the best so far; if hopeless, after two. */
const SLOW = 2;
const HOPELESS = 20;
/**
 * Deviations within rounding, including Winograd's transforms: over all values, and the worst relative to the largest.
 */
const MOST_ERROR = { all: 1e-4, worst: 1e-3 };

/**
 * Finds the fastest of several ways to compute the same. Compiles and runs each, and compares its result with the
 * default's. Those that agree are timed in turns (A B A B …), so that other load on the machine affects all alike.
 *
 * @param open prepares a choice; if it throws, the choice is excluded for that reason
 * @param timeLeft asked before compiling each further choice, which can take long
 * @throws what `open` throws for the default, since there is nothing to compare with then
 */
export async function benchmarkCandidates(
  choices: readonly [fallback: string, ...others: string[]],
  open: (choice: string) => Promise<Trial>,
  timeLeft: () => boolean = () => true,
): Promise<BenchmarkResult> {
  const [fallback, ...others] = choices;
  const running: { entry: Entry; trial: Trial; times: number[] }[] = [];
  const entries: Entry[] = [];
  let expected: Float32Array | undefined;
  let best = Number.POSITIVE_INFINITY;

  /** Why it may not take part; undefined if it may. */
  const qualify = async (entry: Entry, trial: Trial): Promise<string | undefined> => {
    await trial.run(); // the driver finishes compiling, buffers get their pages
    if (expected) {
      const off = difference(expected, await trial.result());
      if (off !== undefined) return `its result is off: ${off}`;
    } else expected = await trial.result();
    let ms = await trial.run();
    for (let more = 0; more < 2 && ms > SLOW * best; more++) {
      if (more > 0 && ms > HOPELESS * best) break;
      ms = Math.min(ms, await trial.run());
    }
    entry.ms = ms;
    if (ms > SLOW * best) return 'too slow from the start';
    best = Math.min(best, ms);
    return undefined;
  };

  try {
    for (const choice of [fallback, ...others]) {
      const entry: Entry = { choice };
      entries.push(entry);
      if (expected && !timeLeft()) {
        entry.excluded = 'no time left';
        continue;
      }
      let trial: Trial | undefined;
      try {
        trial = await open(choice);
        const why = await qualify(entry, trial);
        if (why !== undefined) entry.excluded = why;
      } catch (error) {
        if (choice === fallback) throw error;
        entry.excluded = (error as Error).message.split('\n')[0] as string;
      }
      if (!trial) continue;
      if (entry.excluded === undefined) running.push({ entry, trial, times: [] });
      else trial.destroy();
    }
    const rounds = Math.min(MOST_ROUNDS, Math.max(LEAST_ROUNDS, Math.ceil(ENOUGH_MS / best)));
    for (let i = 0; running.length > 1 && i < rounds; i++) {
      for (const { trial, times } of running) times.push(await trial.run());
    }
    for (const { entry, times } of running) if (times.length > 0) entry.ms = median(times);
  } finally {
    for (const { trial } of running) trial.destroy();
  }
  return { chosen: decide(running.map((r) => r.entry)), entries };
}

/** The fastest if it gains enough over the first, which is the default. */
function decide(entries: readonly Entry[]): string {
  const [fallback, ...others] = entries as [Entry, ...Entry[]];
  const time = ({ ms = Number.POSITIVE_INFINITY }: Entry) => ms;
  const fastest = others.reduce((a, b) => (time(b) < time(a) ? b : a), fallback);
  return time(fastest) <= (1 - LEAST_GAIN) * time(fallback) ? fastest.choice : fallback.choice;
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]] as [number, number];
  return (low + high) / 2;
}

/** Describes how a result deviates; undefined if it agrees with the expected one. */
function difference(expected: Float32Array, result: Float32Array): string | undefined {
  let [off, all, worst, largest] = [0, 0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i] as number;
    const error = Math.abs((result[i] as number) - value);
    // True for NaN, too.
    if (!(error < Number.POSITIVE_INFINITY)) return `element ${i} is ${result[i]}, not ${value}`;
    off += error * error;
    all += value * value;
    worst = Math.max(worst, error);
    largest = Math.max(largest, Math.abs(value));
  }
  const relative = Math.sqrt(off / all);
  if (relative <= MOST_ERROR.all && worst <= MOST_ERROR.worst * largest) return undefined;
  return `${relative.toExponential(1)} of the default's, ${(worst / largest).toExponential(1)} at worst`;
}
