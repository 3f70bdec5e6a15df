import type { Device } from '../../../engine/gpu/device.ts';
import { type LossRow, RING_LENGTH } from '../steps/loss_ring.ts';

/** Why training ended: the last step is done, the time is up, or it was interrupted. */
export type RunEnd = 'done' | 'time' | 'interrupted';

/** What `TrainingLoop` trains: a model and its data. */
export interface TrainingTask<Loss extends string> {
  readonly device: Pick<Device, 'drain'>;
  /** Steps done. */
  readonly step: number;
  /** The name of each loss. None may become NaN or infinite. */
  readonly lossNames: Readonly<Record<Loss, string>>;
  /** Loads the next step's batch. The returned function submits the step, and resolves when all of it is submitted. */
  prepareStep(): Promise<() => unknown>;
  /** Whether the next step depends on the losses so far. They are then read first. */
  readonly needsLosses?: boolean;
  /** The losses of the steps since `from`. Waits for the GPU. */
  lossesSince(from: number): Promise<LossRow<Loss>[]>;
  /**
   * Called after each reading of the losses.
   * @throws PixtapeError if something other than a loss has to stop the run
   */
  check?(): Promise<void>;
}

/** The losses of the steps since the last reading. */
export interface LossesRead<Loss extends string, Sample> {
  /** Up to the first row that is not finite, if there is one. */
  rows: readonly LossRow<Loss>[];
  /** How many steps were read, including those after that row. */
  steps: number;
  /** Seconds that these steps took, until `at` (of `performance.now()`). */
  seconds: number;
  at: number;
  /** The sample drawn after the last of them, if one was due. */
  sample: Sample | undefined;
}

/** What is due after a step. The losses are always read before a sample or a save. */
export interface Due {
  losses: boolean;
  sample: boolean;
  save?: (() => Promise<void>) | undefined;
}

/** The host of a loop: Node with its files and terminal, or a page's worker. */
export interface LoopHost<Loss extends string, Sample> {
  /** Seconds between two readings of the losses, at most. */
  readonly readSeconds: number;
  /** Asked after each step. */
  ended(): RunEnd | undefined | Promise<RunEnd | undefined>;
  /** Asked again after doing what was due, which can take minutes. */
  interrupted(): boolean;
  due(end: RunEnd | undefined): Due;
  /** Called before anything that is due. @throws an error that has to stop the run, such as a lost lock */
  verify?(): Promise<void>;
  /** Called instead of `onLosses` after a step at which nothing was due. */
  onStep?(): void;
  /** Draws a sample, the last one if the run ends; undefined if it was interrupted. */
  sample(last: boolean): Promise<Sample | undefined>;
  onLosses(read: LossesRead<Loss, Sample>): void | Promise<void>;
  /** The error that stops a run in which a loss is not finite. */
  diverged(step: number, name: string, value: number): Error;
  /** Runs a step and what is due after it while nothing else uses the model. By default just runs it. */
  alone?<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * The training loop of Node and of the page. Only one step runs while the next batch is loaded, so that a pause, Ctrl-C
 * or the clock never waits for a long queue. Nothing is sampled or saved until the losses of all steps so far have been
 * read and found finite: a state that came from a NaN must not replace a good one.
 */
export class TrainingLoop<Loss extends string, Sample> {
  private readonly task: TrainingTask<Loss>;
  private readonly host: LoopHost<Loss, Sample>;
  /** The last step whose losses were read, and when the steps after it began. */
  private read: number;
  private readAt = performance.now();

  constructor(task: TrainingTask<Loss>, host: LoopHost<Loss, Sample>) {
    this.task = task;
    this.host = host;
    this.read = task.step;
  }

  /** Trains at least one step, until the host ends it. @throws the error from the host's `diverged` */
  async run(): Promise<RunEnd> {
    const { task, host } = this;
    const alone = host.alone?.bind(host) ?? (<T>(work: () => Promise<T>) => work());
    this.readAt = performance.now();
    let inFlight: Promise<unknown> = Promise.resolve();
    for (;;) {
      const submit = await task.prepareStep();
      await inFlight;
      const end = await alone(async () => {
        await submit();
        inFlight = task.device.drain();
        // If the device is lost, another waiter reports it, perhaps before this promise is awaited.
        inFlight.catch(() => undefined);
        const ended = await host.ended();
        await this.afterStep(ended);
        if (ended || !host.interrupted()) return ended;
        await this.afterStep('interrupted');
        return 'interrupted';
      });
      if (end) return end;
    }
  }

  private async afterStep(end: RunEnd | undefined): Promise<void> {
    const { task, host } = this;
    const { losses, sample, save } = host.due(end);
    const late = task.step - this.read >= RING_LENGTH || this.secondsSinceRead() > host.readSeconds;
    if (!(losses || late || sample || save || task.needsLosses)) return host.onStep?.();
    await host.verify?.();
    await this.readLosses(sample, end !== undefined);
    await save?.();
    this.readAt = performance.now();
  }

  private async readLosses(sample: boolean, last: boolean): Promise<void> {
    const { task, host } = this;
    const rows = await task.lossesSince(this.read);
    const at = performance.now();
    const seconds = (at - this.readAt) / 1000;
    const bad = firstNotFinite(rows, Object.keys(task.lossNames) as Loss[]);
    await host.onLosses({
      rows: bad ? rows.slice(0, bad.index + 1) : rows,
      steps: rows.length,
      seconds,
      at,
      sample: sample && !bad ? await host.sample(last) : undefined,
    });
    this.read = task.step;
    if (bad) throw host.diverged(bad.step, task.lossNames[bad.loss], bad.value);
    await task.check?.();
  }

  private secondsSinceRead(): number {
    return (performance.now() - this.readAt) / 1000;
  }
}

function firstNotFinite<Loss extends string>(rows: readonly LossRow<Loss>[], losses: readonly Loss[]) {
  for (const [index, row] of rows.entries()) {
    const loss = losses.find((name) => !Number.isFinite(row[name]));
    if (loss !== undefined) return { index, loss, step: row.step, value: row[loss] as number };
  }
  return undefined;
}
