/** No more than this much work is lost, whatever happens. */
const LOST_SECONDS = 300;

/**
 * Tells when a run has to be saved so that what a crash takes with it is at most five minutes of work: what came after
 * the state that was saved last, until the next save is on the disk. So a save begins early enough to be through in time,
 * by what steps and saves have taken so far.
 */
export class SaveClock {
  private readonly now: () => number;
  /** When the state that was saved last was that of the model. */
  private savedAt: number;
  private askedAt: number;
  /** The longest times between two questions since the last save, and before it: a step, with all that was due after it. */
  private gap = 0;
  private gapBefore = 0;
  /** How long a save takes. Nobody knows before the first. */
  private saving = 60_000;

  /** @param now in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.savedAt = now();
    this.askedAt = this.savedAt;
  }

  /** Asked once after each step. */
  isDue(): boolean {
    const now = this.now();
    this.gap = Math.max(now - this.askedAt, this.gap);
    this.askedAt = now;
    return now - this.savedAt + Math.max(this.gap, this.gapBefore) + this.saving > 1000 * LOST_SECONDS;
  }

  /** Runs a save, and learns how long it takes. */
  async during(save: () => Promise<void>): Promise<void> {
    const start = this.now();
    await save();
    this.savedAt = start;
    this.saving = this.now() - start;
    [this.gapBefore, this.gap] = [this.gap, 0];
    this.askedAt = this.now();
  }
}
