import source from '../../../../shaders/optim/loss_scale.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Bindable } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/current.ts';
import { elementWorkgroups } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';

/** The initial scale. */
export const FIRST_SCALE = 2 ** 15;
/**
 * Consecutive steps without an overflow before the scale doubles, and the largest scale: beyond it nothing is gained.
 */
const PATIENCE = 1000;
const MOST = 2 ** 24;

/**
 * A dynamic loss scale, for gradients that are stored as halves, which hold 6e-8 … 65504 only. It lives on the device
 * and adapts itself there. It is always a power of two, so that scaling does not round. An optimizer with `lossScale`
 * drives it.
 */
export class LossScale {
  /** Shape [1]: the gradient of the loss, to start `backward` from. */
  readonly scale: Tensor;
  /** One u32: steps without an overflow since the scale last changed. */
  readonly goodSteps: Tensor;
  /** One u32: not 0 once a gradient of the current step was not finite. */
  readonly overflow: Tensor;
  private readonly device: Device;

  constructor(device: Device) {
    this.device = device;
    this.scale = Tensor.from(device, [1], [FIRST_SCALE], 'loss scale');
    this.goodSteps = Tensor.zeros(device, [1], 'loss scale.good_steps', 'u32');
    this.overflow = Tensor.zeros(device, [1], 'loss scale.overflow', 'u32');
  }

  /** Records the check of one gradient (of n elements). Call it for every gradient, before any of them is used. */
  inspect(g: Bindable, n: number): void {
    const bindings = { g, overflow: this.overflow.storage };
    this.dispatch('inspect', bindings, n, elementWorkgroups(this.device, n));
  }

  /** Records the scale's adjustment. Call it once per step, after the last use of its gradients. */
  adjust(): void {
    const { overflow, scale, goodSteps } = this;
    this.dispatch('adjust', { overflow: overflow.storage, scale: scale.storage, good: goodSteps.storage }, 1, [1]);
  }

  /** Frees its memory. */
  dispose(): void {
    for (const t of [this.scale, this.goodSteps, this.overflow]) t.dispose();
  }

  private dispatch(entry: string, bindings: Readonly<Record<string, Bindable>>, n: number, groups: [number]): void {
    const kernel = this.device.kernel(`loss_scale.${entry}`, source, entry);
    currentProgram(this.device).dispatch(kernel, bindings, { n, patience: PATIENCE, most: MOST }, groups);
  }
}
