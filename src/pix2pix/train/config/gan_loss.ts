import { bceWithLogits, mseLoss } from '../../../engine/ops/loss/losses.ts';
import type { Tensor } from '../../../engine/tape/tensor.ts';

/**
 * The adversarial loss: `vanilla`, binary cross-entropy on logits; `lsgan`, squared distance from the target (Mao et
 * al. 2017); `none`, no discriminator.
 */
export const GAN_MODES = ['vanilla', 'lsgan', 'none'] as const;
export type GanMode = (typeof GAN_MODES)[number];
/** The modes that have a discriminator. */
export type GanLoss = Exclude<GanMode, 'none'>;

/**
 * The mean loss of a discriminator's logits against `target` (1 for real, 0 for fake; one value, or one per logit).
 * Shape [1].
 */
export function ganLoss(mode: GanLoss, logits: Tensor, target: number | Tensor): Tensor {
  return mode === 'lsgan' ? mseLoss(logits, target) : bceWithLogits(logits, target);
}
