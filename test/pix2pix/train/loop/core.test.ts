import { expect, it } from 'vitest';
import {
  type Due,
  type LoopHost,
  type LossesRead,
  type RunEnd,
  TrainingLoop,
  type TrainingTask,
} from '../../../../src/pix2pix/train/loop/core.ts';
import { type LossRow, RING_LENGTH } from '../../../../src/pix2pix/train/steps/loss_ring.ts';

type Loss = 'gen' | 'ssim';

/** Counts to `last`; `lossOf` gives the loss of a step. */
class Counting implements TrainingTask<Loss> {
  readonly device = { drain: async () => undefined };
  readonly lossNames = { gen: 'generator loss', ssim: 'structural loss' };
  step = 0;
  private readonly lossOf: (step: number) => Record<Loss, number>;

  constructor(lossOf: (step: number) => Record<Loss, number> = () => ({ gen: 1, ssim: 0 })) {
    this.lossOf = lossOf;
  }

  async prepareStep() {
    return () => void this.step++;
  }

  async lossesSince(from: number): Promise<LossRow<Loss>[]> {
    return Array.from({ length: this.step - from }, (_, i) => ({ step: from + i, ...this.lossOf(from + i) }));
  }
}

/** Records the calls that it gets. */
class Noting implements LoopHost<Loss, string> {
  readonly readSeconds = Number.POSITIVE_INFINITY;
  readonly notes: string[] = [];
  asked = false;
  private readonly task: Counting;
  private readonly last: number;
  private readonly what: (step: number) => Partial<Due>;

  constructor(task: Counting, last: number, what: (step: number) => Partial<Due> = () => ({})) {
    this.task = task;
    this.last = last;
    this.what = what;
  }

  ended(): RunEnd | undefined {
    if (this.task.step >= this.last) return 'done';
    return this.asked ? 'interrupted' : undefined;
  }

  interrupted(): boolean {
    return this.asked;
  }

  due(end: RunEnd | undefined): Due {
    const save = async () => void this.notes.push(`saved ${this.task.step}`);
    if (end) return { losses: true, sample: end === 'done', save };
    const { losses = false, sample = false } = this.what(this.task.step);
    return { losses, sample, save: this.what(this.task.step).save && save };
  }

  async sample(): Promise<string> {
    this.notes.push(`sampled ${this.task.step}`);
    return 'a grid';
  }

  onLosses({ rows, steps, sample }: LossesRead<Loss, string>): void {
    this.notes.push(`losses ${rows.map(({ step }) => step).join(' ')} of ${steps}${sample ? `, ${sample}` : ''}`);
  }

  diverged(step: number, name: string, value: number): Error {
    return new Error(`${name} of step ${step} is ${value}`);
  }
}

it('samples, reports the losses, then saves, and ends with all three', async () => {
  const task = new Counting();
  const save = async () => undefined;
  const host = new Noting(task, 5, (step) => ({ sample: step === 2, save: step === 3 ? save : undefined }));
  expect(await new TrainingLoop(task, host).run()).toBe('done');
  expect(host.notes).toEqual([
    'sampled 2',
    'losses 0 1 of 2, a grid',
    'losses 2 of 1',
    'saved 3',
    'sampled 5',
    'losses 3 4 of 2, a grid',
    'saved 5',
  ]);
});

it.each([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
])('stops at any loss that is %s, after telling the losses up to it, without sampling or saving', async (_, value) => {
  const task = new Counting((step) => ({ gen: 1, ssim: step === 2 ? value : 0 }));
  const save = async () => undefined;
  const host = new Noting(task, 9, (step) => (step === 4 ? { sample: true, save } : {}));
  await expect(new TrainingLoop(task, host).run()).rejects.toThrow(`structural loss of step 2 is ${value}`);
  expect(host.notes).toEqual(['losses 0 1 2 of 4']);
  expect(task.step).toBe(4);
});

it('reads the losses before the ring overwrites them', async () => {
  const task = new Counting();
  const host = new Noting(task, RING_LENGTH + 2);
  await new TrainingLoop(task, host).run();
  const reads = host.notes.filter((note) => note.startsWith('losses'));
  expect(reads.map((note) => note.replace(/.* of /, ''))).toEqual([String(RING_LENGTH), '2, a grid']);
});

it('ends when asked, also while it is busy after a step', async () => {
  const task = new Counting();
  const host = new Noting(task, 9, (step) => ({ losses: step === 3 }));
  const { onLosses } = host;
  host.onLosses = (read) => {
    onLosses.call(host, read);
    host.asked = true;
  };
  expect(await new TrainingLoop(task, host).run()).toBe('interrupted');
  expect(host.notes).toEqual(['losses 0 1 2 of 3', 'losses  of 0', 'saved 3']);
});
