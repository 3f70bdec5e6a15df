/** Steps and seconds after the first step, by which a pace can be judged; a slow machine is judged by one step. */
const ENOUGH = { steps: 3, seconds: 5, slowSeconds: 15 };

/** Judges by a session's first steps how long the others will take. */
export class Pace {
  private readonly now: () => number;
  private first: { step: number; at: number } | undefined;
  private judged = false;

  /** @param now in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /**
   * Told of each step when it is done. The very first is not counted, which does things that the others need not.
   * @returns seconds from here to `total`, once; else undefined
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
