import { writeAtOnce } from '../../files/lock/process.ts';
import type { Endpoint } from './endpoint.ts';

/** A rank without a heartbeat for this long counts as stopped, or its host as gone. */
const SILENCE_SECONDS = 25;
/** A main thread that is silent for this long counts as hung. Compiling kernels can block it for half a minute. */
const HUNG_SECONDS = 120;
const BEAT_MS = 1000;
/**
 * If this thread itself did not run for this long, its process was stopped, and the silence says nothing about others.
 */
const PAUSE_MS = 5000;

/** The tag of heartbeats. */
const BEAT_TAG = 1;
/** Sent instead of the seconds since the main thread was last heard from. */
const LEAVING = 255;

/**
 * A ring of heartbeats: each rank sends them to the next, and listens to the one before. If a rank falls silent, or
 * reports that its main thread has, all ranks end.
 */
export class Watch {
  private readonly endpoint: Endpoint;
  private readonly describe: (rank: number) => string;
  private readonly timer: NodeJS.Timeout;
  private readonly over: Promise<void>;
  private mainAt = performance.now();
  private heardAt = performance.now();
  private lookedAt = performance.now();

  /** @param describe names a rank for people */
  constructor(endpoint: Endpoint, describe: (rank: number) => string) {
    this.endpoint = endpoint;
    this.describe = describe;
    this.over = this.listen();
    this.timer = setInterval(() => void this.beat(Math.min(secondsSince(this.mainAt), HUNG_SECONDS)), BEAT_MS);
  }

  /** Called when the main thread shows that it is alive. */
  mainIsAlive(): void {
    this.mainAt = performance.now();
  }

  /** Ends all ranks if the one before this has been silent for too long. Must be called often. */
  look(): void {
    const now = performance.now();
    if (now - this.lookedAt > PAUSE_MS) this.heardAt = now;
    this.lookedAt = now;
    const silence = secondsSince(this.heardAt);
    if (silence >= SILENCE_SECONDS) this.endAll(`has not answered for ${SILENCE_SECONDS} s`);
  }

  /** Tells the next rank that no more heartbeats will come, and waits for the same from the one before. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([this.beat(LEAVING), this.over]);
  }

  private async listen(): Promise<void> {
    const { rank, count } = this.endpoint;
    for (const sign = new Uint8Array(1); ; ) {
      await this.endpoint.receive(sign, (rank + count - 1) % count, BEAT_TAG);
      this.heardAt = performance.now();
      const [seconds = 0] = sign;
      if (seconds === LEAVING) return;
      if (seconds >= HUNG_SECONDS) this.endAll(`has hung for ${HUNG_SECONDS} s`);
    }
  }

  private beat(sign: number): Promise<void> {
    const { rank, count } = this.endpoint;
    return this.endpoint.send(Uint8Array.of(sign), (rank + 1) % count, BEAT_TAG);
  }

  private endAll(why: string): void {
    const { rank, count } = this.endpoint;
    // Write synchronously: this process is about to end.
    writeAtOnce(
      `\npixtape: ${this.describe((rank + count - 1) % count)} ${why}; all ranks end\n` +
        '  → Look at that process and its host, then start again from the last checkpoint.\n',
    );
    this.endpoint.abort();
  }
}

const secondsSince = (time: number): number => Math.floor((performance.now() - time) / 1000);
