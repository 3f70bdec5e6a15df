import { PixtapeError } from '../../engine/util/errors.ts';
import type { TrainFlags } from './flags.ts';

type Flag = keyof TrainFlags;

/** The flags that only one of the models has. */
const OWN: Readonly<Record<TrainFlags['model'], readonly Flag[]>> = {
  pix2pix: ['lambda_L1', 'lambda_ssim', 'reuse_fake', 'precision', 'num_test', 'condition_GAN'],
  cycle_gan: ['lambda_A', 'lambda_B', 'lambda_identity', 'pool_size'],
};

/** The equivalent flag of the other model. */
const INSTEAD: Readonly<Partial<Record<Flag, string>>> = {
  lambda_A: 'The weight of L1 is --lambda_L1.',
  lambda_L1: 'The weights of the cycles are --lambda_A and --lambda_B.',
};

/** @throws PixtapeError if a flag that the user typed belongs to the other model */
export function checkModelFlags(model: TrainFlags['model'], given: Partial<TrainFlags>): void {
  const other = model === 'pix2pix' ? 'cycle_gan' : 'pix2pix';
  const strange = OWN[other].find((flag) => given[flag] !== undefined && !isNeutral(flag, given));
  if (strange === undefined) return;
  throw new PixtapeError(
    `--${strange} is for --model ${other}; this is --model ${model}`,
    INSTEAD[strange] ?? `Leave --${strange} out.`,
  );
}

/** Whether a flag has no effect: Pix2Pix has no pool, so a pool of size 0 is accepted. */
const isNeutral = (flag: Flag, { pool_size }: Partial<TrainFlags>): boolean => flag === 'pool_size' && pool_size === 0;
