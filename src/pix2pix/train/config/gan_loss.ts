import { bceWithLogits, mseLoss } from '../../../engine/ops/loss/losses.ts';
import type { Tensor } from '../../../engine/tape/tensor.ts';

/**
 * What the discriminator is judged by: `vanilla`, binary cross-entropy on logits; `lsgan`, the squared distance from the
 * target (Mao et al. 2017); `none`, no discriminator at all.
 */
export const GAN_MODES = ['vanilla', 'lsgan', 'none'] as const;
export type GanMode = (typeof GAN_MODES)[number];
/** The modes that have a discriminator. */
export type GanLoss = Exclude<GanMode, 'none'>;

/** How far a discriminator's answers are from `target` (1 for real, 0 for fake), mean over all of them, shape [1]. */
export function ganLoss(mode: GanLoss, logits: Tensor, target: number): Tensor {
  return mode === 'lsgan' ? mseLoss(logits, target) : bceWithLogits(logits, target);
}
