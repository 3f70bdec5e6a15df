/** One way of computing something, ready to be run on the device. */
export interface Trial {
  /** Runs it, and gives the milliseconds of one run. */
  run(): Promise<number>;
  /** What the last run computed. */
  result(): Promise<Float32Array>;
  destroy(): void;
}

export interface Entry {
  choice: string;
  /** Median of the interleaved runs; of what was left out for being slow, its fastest run. */
  ms?: number;
  /** Why it could not win, for those that could not. */
  excluded?: string;
}

export interface BenchmarkResult {
  /** The default if nothing beat it clearly. */
  chosen: string;
  /** The default first. */
  entries: Entry[];
}

/** Another choice has to save this part of the default's time: less than that is noise. */
export const LEAST_GAIN = 0.05;
const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 25;
/** Milliseconds of interleaved runs for each contender, where the least rounds do not take longer. */
const ENOUGH_MS = 300;
/** A contender whose first three runs all take this many times the best so far is out, and after two where it is hopeless. */
const SLOW = 2;
const HOPELESS = 20;
/** Deviations that rounding explains, Winograd's transforms included: of all values, and of the worst against the largest. */
const MOST_ERROR = { all: 1e-4, worst: 1e-3 };

/**
 * Finds the fastest of several ways of computing the same. Each is compiled, run once, and its result compared with the
 * default's; those that hold up are timed in turns (A B A B …), so that what else the machine does hits all alike.
 *
 * @param open makes a choice ready to run; what it throws is why that choice is left out
 * @param timeLeft asked before each further choice is compiled, which can take long
 * @throws what `open` throws for the default: without it there is nothing to compare with
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

  /** Undefined if it may take part, else why not. */
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

/** The fastest, where it gains enough over the first, which is the default. */
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

/** What is wrong with a result, in words; undefined where it is as good as the expected one. */
function difference(expected: Float32Array, result: Float32Array): string | undefined {
  let [off, all, worst, largest] = [0, 0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i] as number;
    const error = Math.abs((result[i] as number) - value);
    // Also where it is not a number.
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
