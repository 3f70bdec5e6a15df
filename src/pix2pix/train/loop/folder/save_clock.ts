/** The most work that a crash may lose. */
const LOST_SECONDS = 300;

/**
 * Decides when a run has to be saved, so that a crash loses at most five minutes of work: the time from the last saved
 * state until the next save is on disk. A save begins early enough to finish in time, judging by the durations of
 * steps and saves so far.
 */
export class SaveClock {
  private readonly now: () => number;
  /** The time at which the last saved state was captured. */
  private savedAt: number;
  private askedAt: number;
  /**
   * The longest time between two calls of `isDue`, since the last save and before it: a step with all that was due
   * after it.
   */
  private gap = 0;
  private gapBefore = 0;
  /** How long a save takes; unknown before the first. */
  private saving = 60_000;

  /** @param now in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.savedAt = now();
    this.askedAt = this.savedAt;
  }

  /** Whether to save now. Called once after each step. */
  isDue(): boolean {
    const now = this.now();
    this.gap = Math.max(now - this.askedAt, this.gap);
    this.askedAt = now;
    return now - this.savedAt + Math.max(this.gap, this.gapBefore) + this.saving > 1000 * LOST_SECONDS;
  }

  /** Runs a save and measures it. */
  async during(save: () => Promise<void>): Promise<void> {
    const start = this.now();
    await save();
    this.savedAt = start;
    this.saving = this.now() - start;
    [this.gapBefore, this.gap] = [this.gap, 0];
    this.askedAt = this.now();
  }
}
