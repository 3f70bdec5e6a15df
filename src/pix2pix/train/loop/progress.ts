import { formatDuration } from '../../../engine/util/format.ts';
import { isTerminal } from '../../../files/lock/process.ts';

export interface ProgressOptions {
  /** Output stream; standard output by default. */
  stream?: NodeJS.WriteStream;
  /** Whether a bar is drawn there; by default on a terminal that can. */
  bar?: boolean;
  /** Seconds between lines if the output is not a terminal; default 5. */
  plainInterval?: number;
  /** Milliseconds, for tests. */
  now?: () => number;
}

/** Losses may be unknown for a while, since they are read from the device only now and then. */
export interface ProgressNumbers {
  imagesPerSecond?: number;
  lossG?: number;
  lossD?: number;
}

/** Columns of the bar on a wide and on a narrow terminal, and milliseconds between two drawings. */
const BAR = { wide: 24, narrow: 6, wideFrom: 80, pause: 100 };

/**
 * Shows the progress of training: a bar on a terminal, or a line every few seconds elsewhere (a file, a CI log).
 * Between `start` and `stop`, write to the same stream only through `note`.
 */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #drawsBar: boolean;
  readonly #plainInterval: number;
  readonly #now: () => number;
  #running = false;
  #begin = 0;
  #totalSteps = 0;
  #startStep = 0;
  #limitSeconds: number | undefined;
  #step = 0;
  #numbers: ProgressNumbers = {};
  #activity: string | undefined;
  #drawnAt = 0;
  #linePrintedAt = 0;
  #lineStep: number | undefined;

  constructor({
    stream = process.stdout,
    bar,
    plainInterval = 5,
    now = () => performance.now(),
  }: ProgressOptions = {}) {
    this.#stream = stream;
    this.#drawsBar = bar ?? isTerminal(stream);
    this.#plainInterval = plainInterval;
    this.#now = now;
  }

  /**
   * @param totalSteps the last step; Infinity if only time ends the run
   * @param startStep steps done in earlier sessions
   * @param limitSeconds time limit of this session
   */
  start(totalSteps: number, startStep = 0, limitSeconds?: number): void {
    this.stop();
    this.#running = true;
    this.#totalSteps = totalSteps;
    this.#startStep = startStep;
    this.#limitSeconds = limitSeconds;
    this.#step = startStep;
    this.#numbers = {};
    this.#activity = undefined;
    this.#begin = this.#now();
    this.#linePrintedAt = this.#begin;
    this.#lineStep = undefined;
    if (this.#drawsBar) this.#draw();
  }

  get #columns(): number {
    return this.#stream.columns || BAR.wideFrom;
  }

  /** Draws the bar over itself. The cursor stays visible: a killed run must not leave the terminal without it. */
  #draw(): void {
    this.#drawnAt = this.#now();
    const size = this.#columns < BAR.wideFrom ? BAR.narrow : BAR.wide;
    const full = Math.round(this.#fraction() * size);
    const before = ` ${'█'.repeat(full)}${'░'.repeat(size - full)} ${this.#percent()}% │ `;
    this.#stream.write(`\r${before}${this.#text(this.#columns - before.length - 1)}\x1b[K`);
  }

  /** Updates the numbers; cheap enough to call at every step. Omitted numbers stay as they were. */
  update(step: number, numbers: ProgressNumbers = {}): void {
    if (!this.#running) return;
    this.#step = step;
    this.#numbers = { ...this.#numbers, ...numbers };
    this.#show();
  }

  /** Shows work between two steps that takes a while; undefined when it is over. */
  activity(text?: string): void {
    if (!this.#running || text === this.#activity) return;
    this.#activity = text;
    this.#show();
  }

  #show(): void {
    const now = this.#now();
    if (this.#drawsBar) {
      if (now - this.#drawnAt >= BAR.pause) this.#draw();
    } else if (now - this.#linePrintedAt >= this.#plainInterval * 1000) this.#printState();
  }

  /** Prints a line, above the bar if there is one. */
  note(line: string): void {
    const bar = this.#running && this.#drawsBar;
    this.#stream.write(bar ? `\r\x1b[K${line}\n` : `${line}\n`);
    if (bar) this.#draw();
  }

  /** Draws the last state and releases the terminal. May be called more than once. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    if (this.#drawsBar) {
      this.#draw();
      this.#stream.write('\n');
    } else if (this.#lineStep !== this.#step) this.#printState();
  }

  #printState(): void {
    this.#linePrintedAt = this.#now();
    this.#lineStep = this.#step;
    this.#stream.write(`${this.#percent()}% · ${this.#text()}\n`);
  }

  /** Fraction of the run that is done, by steps or by time, whichever is larger. */
  #fraction(): number {
    const bySteps = this.#totalSteps > 0 ? this.#step / this.#totalSteps : 1;
    const byTime = this.#limitSeconds ? this.#elapsed() / this.#limitSeconds : 0;
    return Math.min(1, Math.max(bySteps, byTime));
  }

  #percent = (): string => String(Math.floor(this.#fraction() * 100)).padStart(3);
  #elapsed = (): number => (this.#now() - this.#begin) / 1000;

  /** Seconds until the end at this session's pace; unknown before its first step. */
  #secondsLeft(): number | undefined {
    const done = this.#step - this.#startStep;
    const known = done > 0 && Number.isFinite(this.#totalSteps);
    const bySteps = known ? (this.#elapsed() / done) * (this.#totalSteps - this.#step) : undefined;
    const byTime = this.#limitSeconds === undefined ? undefined : this.#limitSeconds - this.#elapsed();
    if (bySteps === undefined || byTime === undefined) return bySteps ?? byTime;
    return Math.min(bySteps, byTime);
  }

  /** The most important numbers that fit into the room. */
  #text(room = Number.POSITIVE_INFINITY): string {
    const { imagesPerSecond, lossG, lossD } = this.#numbers;
    const left = this.#secondsLeft();
    // A run that is limited only by time has no last step.
    const total = Number.isFinite(this.#totalSteps) ? `/${this.#totalSteps}` : '';
    const parts = {
      step: `step ${this.#step}${total}`,
      activity: this.#activity,
      speed: imagesPerSecond === undefined ? undefined : `${imagesPerSecond.toPrecision(3)} img/s`,
      eta: left === undefined || !Number.isFinite(left) ? undefined : `ETA ${formatDuration(left)}`,
      lossG: lossG === undefined ? undefined : `G ${lossG.toFixed(3)}`,
      lossD: lossD === undefined ? undefined : `D ${lossD.toFixed(3)}`,
    };
    const text = () =>
      Object.values(parts)
        .filter((part) => part !== undefined)
        .join(' · ');
    for (const name of ['lossD', 'lossG', 'speed', 'eta', 'activity'] as const) {
      if (text().length <= room) break;
      parts[name] = undefined;
    }
    return text();
  }
}
