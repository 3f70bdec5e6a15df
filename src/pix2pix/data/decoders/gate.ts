/**
 * Lets many in at a time, or one alone. libvips has one list of messages for all that it decodes: what was wrong with a
 * file can only be told from a decode beside which there is no other.
 */
export class Gate {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];
  private alone = Promise.resolve();

  /** Runs with others, but not beside one that is alone. */
  async shared<T>(task: () => Promise<T>): Promise<T> {
    for (let last: Promise<void> | undefined; last !== this.alone; ) {
      last = this.alone;
      await last;
    }
    this.inside++;
    try {
      return await task();
    } finally {
      if (--this.inside === 0) for (const go of this.waiting.splice(0)) go();
    }
  }

  /** Runs by itself, once those inside are done; others wait until it is. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.alone.then(async () => {
      if (this.inside > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
      return task();
    });
    this.alone = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}
