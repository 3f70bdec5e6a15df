import { writeAtOnce } from '../../files/lock/process.ts';
import type { Endpoint } from './endpoint.ts';

/** A rank without a heartbeat for this long counts as stopped, or its host as gone. */
const SILENCE_SECONDS = 25;
/** A main thread that is silent for this long counts as hung; longer if it has announced that a driver may compile. */
const HUNG_SECONDS = { usually: 25, compiling: 120 };
const BEAT_MS = 1000;
/**
 * If this thread itself did not run for this long, its process was stopped, and the silence says nothing about others.
 */
const PAUSE_MS = 5000;

/** The tag of heartbeats. */
const BEAT_TAG = 1;
/** A heartbeat is two bytes: the seconds since the main thread was last heard from, and how many it may take. */
const SIGN_BYTES = 2;
/** Sent instead of the first. */
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
  /** Beats of this thread since the main one was heard of: not by the clock, since a process that was stopped has none. */
  private silent = 0;
  private allowed = HUNG_SECONDS.compiling;
  private heardAt = performance.now();
  private lookedAt = performance.now();

  /** @param describe names a rank for people */
  constructor(endpoint: Endpoint, describe: (rank: number) => string) {
    this.endpoint = endpoint;
    this.describe = describe;
    this.over = this.listen();
    this.timer = setInterval(() => {
      this.silent = Math.min(this.silent + 1, this.allowed);
      void this.beat(this.silent);
    }, BEAT_MS);
  }

  /** The main thread has been heard of. @param patient it may be held up now, by a driver that compiles */
  mainIsAlive(patient: boolean): void {
    this.silent = 0;
    this.allowed = patient ? HUNG_SECONDS.compiling : HUNG_SECONDS.usually;
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
    for (const sign = new Uint8Array(SIGN_BYTES); ; ) {
      await this.endpoint.receive(sign, (rank + count - 1) % count, BEAT_TAG);
      this.heardAt = performance.now();
      const [seconds = 0, allowed = 0] = sign;
      if (seconds === LEAVING) return;
      if (seconds >= allowed) this.endAll(`has hung for ${allowed} s`);
    }
  }

  private beat(sign: number): Promise<void> {
    const { rank, count } = this.endpoint;
    return this.endpoint.send(Uint8Array.of(sign, this.allowed), (rank + 1) % count, BEAT_TAG);
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
