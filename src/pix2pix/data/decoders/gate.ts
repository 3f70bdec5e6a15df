/**
 * A shared/exclusive lock. libvips keeps one list of messages for everything it decodes, so the reason why a file
 * failed is known only if nothing else is decoded at the same time.
 */
export class Gate {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];
  private alone = Promise.resolve();

  /** Runs a task that may share with others. */
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

  /** Runs a task exclusively, after running tasks are done. Other tasks wait. */
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
