import type { Program } from '../../gpu/program.ts';

/** Where the time of averages has gone so far, in seconds. */
export interface AverageTimes {
  /** This thread copied values from what the device has mapped, and to what it writes. */
  copying: number;
  /** From the first values of an average on the host until all have come back. */
  span: number;
  /** The part of it in which all values are on the host and the program waits: the device has nothing left to compute. */
  exposed: number;
}

/**
 * The processes that train one model together, as the engine sees them: every one records the same program and runs it
 * on its own part of the batch, and they meet wherever the program is cut. How values travel between them is the
 * business of whoever implements this.
 */
export interface Ranks {
  /** This process, from 0. */
  readonly rank: number;
  readonly count: number;
  /** Counted up, where somebody wants to know. */
  readonly times?: AverageTimes;
  /**
   * The mean over all ranks of each value, the same bits on every rank and in every run.
   * @param values are given away; so is the array of the answer, whose length is the same
   * @param meeting names the place in the program, the same on every rank; several may be under way at a time
   * @param mayRound whether the values may be rounded on their way, as gradients may
   */
  mean(values: Float32Array, meeting: number, mayRound: boolean): Promise<Float32Array>;
  /** The values of all ranks in their order, behind one another. */
  gather(values: Float32Array, meeting: number): Promise<Float32Array>;
}

/** Which part of a batch a process has: the batch is cut into `count` equal parts in its order. */
export type Part = Pick<Ranks, 'rank' | 'count'>;

const meetings = new WeakMap<Program, number>();

/**
 * 0, 1, 2 … for each place in a program where ranks meet. Not `callIndex`, whose numbers repeat where `checkpoint` records a
 * part again: two meetings may be under way at a time.
 */
export function nextMeeting(program: Program): number {
  const meeting = meetings.get(program) ?? 0;
  meetings.set(program, meeting + 1);
  return meeting;
}
