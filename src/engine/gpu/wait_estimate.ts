/** Sleeping less than this is not worth a timer, and a wait shorter than that means that the work was done before. */
const LEAST_MS = 2;
const AT_ONCE_MS = 0.5;

/**
 * How long to sleep before asking whether the device is done, in milliseconds: most of what waits take lately. It grows no
 * faster than twofold and is halved where the work turns out to have been done already, so that one long wait (a machine
 * that was suspended, a busy one) does not make the next ones long.
 */
export class WaitEstimate {
  private usual = 0;

  /** What to sleep before the next wait; 0 for not at all. */
  get sleepMs(): number {
    const sleep = 0.75 * this.usual;
    return sleep < LEAST_MS ? 0 : sleep;
  }

  /** @param slept before asking, @param waited after that until the answer */
  record(slept: number, waited: number): void {
    if (slept > 0 && waited < AT_ONCE_MS) this.usual /= 2;
    else this.usual = Math.min(slept + waited, 2 * this.usual + 2 * LEAST_MS);
  }
}
