/** Steps and seconds after the first step that suffice to estimate a pace. On a slow machine one step does. */
const ENOUGH = { steps: 3, seconds: 5, slowSeconds: 15 };

/** Estimates from a session's first steps how long the others will take. */
export class Pace {
  private readonly now: () => number;
  private first: { step: number; at: number } | undefined;
  private judged = false;

  /** @param now in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /**
   * Called after each step. The first is not counted, because it does one-time work.
   * @returns once, the seconds from here to `total`; otherwise undefined
   */
  stepped(step: number, total: number): number | undefined {
    const at = this.now();
    this.first ??= { step, at };
    const steps = step - this.first.step;
    const seconds = (at - this.first.at) / 1000;
    const slow = seconds >= ENOUGH.slowSeconds && steps >= 1;
    if (this.judged || !(slow || (steps >= ENOUGH.steps && seconds >= ENOUGH.seconds))) return undefined;
    this.judged = true;
    return (seconds / steps) * (total - step);
  }
}
