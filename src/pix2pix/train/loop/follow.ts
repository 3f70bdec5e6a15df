import { PixtapeError } from '../../../engine/util/errors.ts';
import { type RunEnd, TrainingLoop, type TrainingTask } from './core.ts';

/** What the ranks of a run agree on after each step, of what each of them wishes: whether to end, and why. */
export type Agree = (wish: RunEnd | undefined) => Promise<RunEnd | undefined>;

/**
 * Trains beside the rank that keeps the run's folder: the same steps, but nothing is sampled, written or printed.
 * @param steps stop after so many in total
 * @throws PixtapeError if a loss is not finite
 */
export async function followTraining<Loss extends string>(
  task: TrainingTask<Loss>,
  { steps, agree }: { steps: number; agree: Agree },
  interrupted: () => boolean,
): Promise<undefined> {
  const loop = new TrainingLoop(task, {
    readSeconds: Number.POSITIVE_INFINITY,
    ended: () => agree(task.step >= steps ? 'done' : interrupted() ? 'interrupted' : undefined),
    interrupted: () => false,
    due: () => ({ losses: false, sample: false }),
    sample: async () => undefined,
    onLosses: () => undefined,
    diverged: (step, name, value) => new PixtapeError(`step ${step + 1}: the ${name} is ${value}`),
  });
  await loop.run();
  return undefined;
}
