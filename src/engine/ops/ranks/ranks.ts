import type { Program } from '../../gpu/program.ts';

/** Where the time of averages has gone so far, in seconds. */
export interface AverageTimes {
  /** Copying by this thread, from and to the device. */
  copying: number;
  /** In which at least one average is under way: from its first values on the host until all of them have come back. */
  span: number;
  /**
   * The part of `span` in which all values are on the host and the program waits: the device has nothing left to
   * compute.
   */
  exposed: number;
}

/**
 * The processes that train one model together, as the engine sees them. Each records the same program and runs it on
 * its own part of the batch, and they meet wherever the program is cut. An implementation moves the values between
 * them.
 */
export interface Ranks {
  /** This process, from 0. */
  readonly rank: number;
  readonly count: number;
  /** Accumulates times, if given. */
  readonly times?: AverageTimes;
  /**
   * The mean over all ranks of each value: the same bits on every rank and in every run.
   * @param values are given away. The array of the answer is the caller's, and has the same length
   * @param meeting identifies the place in the program, the same on every rank. Several meetings may be in progress at
   *   a time
   * @param mayRound whether the values may be rounded on their way, as gradients may
   */
  mean(values: Float32Array, meeting: number, mayRound: boolean): Promise<Float32Array>;
  /** The values of all ranks, one after the other in the order of the ranks. */
  gather(values: Float32Array, meeting: number): Promise<Float32Array>;
}

/** The part of a batch that a process has: the batch is cut into `count` equal parts, in order. */
export type Part = Pick<Ranks, 'rank' | 'count'>;

const meetings = new WeakMap<Program, number>();

/**
 * Numbers the places in a program where ranks meet, from 0. `callIndex` does not serve: its numbers repeat where
 * `checkpoint` records a part again, and two meetings may be in progress at a time.
 */
export function nextMeeting(program: Program): number {
  const meeting = meetings.get(program) ?? 0;
  meetings.set(program, meeting + 1);
  return meeting;
}
