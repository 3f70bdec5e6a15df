import { PixtapeError } from '../../../engine/util/errors.ts';
import { type RunEnd, TrainingLoop, type TrainingTask } from './core.ts';

/** Lets the ranks of a run agree after each step whether to end, and why, from the wishes of all. */
export type Agree = (wish: RunEnd | undefined, step: number) => Promise<RunEnd | undefined>;

/**
 * Trains on the ranks that do not write the run's folder: the same steps, without sampling, writing or printing.
 * @param steps stop after this many in total
 * @throws PixtapeError if a loss is not finite, of any rank
 */
export async function followTraining<Loss extends string>(
  task: TrainingTask<Loss>,
  { steps, agree }: { steps: number; agree: Agree },
  interrupted: () => boolean,
): Promise<undefined> {
  const loop = new TrainingLoop(task, {
    readSeconds: Number.POSITIVE_INFINITY,
    ended: () => agree(task.step >= steps ? 'done' : interrupted() ? 'interrupted' : undefined, task.step),
    interrupted: () => false,
    due: () => ({ losses: false, sample: false }),
    sample: async () => undefined,
    onLosses: () => undefined,
    diverged: (step, name, value) => new PixtapeError(`step ${step + 1}: the ${name} is ${value}`),
  });
  await loop.run();
  return undefined;
}
