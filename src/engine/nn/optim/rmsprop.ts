import source from '../../../../shaders/optim/rmsprop.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { checkFactor, checkNames } from './check.ts';
import { type KeptState, Optimizer, type OptimizerOptions, type Update } from './optimizer.ts';

export interface RmsPropOptions extends OptimizerOptions {
  /** Decay of the average of g², in [0, 1); by default 0.99. */
  alpha?: number;
  /** Keeps the division finite; by default 1e-8. */
  eps?: number;
}

/**
 * RMSprop, as torch.optim.RMSprop computes it (not centered, without momentum). The learning rate is 0.01 by default.
 *
 * Source: Tieleman & Hinton 2012, "Lecture 6.5-rmsprop: Divide the gradient by a running average of its recent magnitude".
 */
export class RMSprop extends Optimizer {
  private readonly options: Required<Pick<RmsPropOptions, 'alpha' | 'eps' | 'weightDecay'>>;
  private readonly averages: KeptState;

  /** @throws PixtapeError if a parameter is not a leaf, or a rate is out of its range */
  constructor(device: Device, params: readonly Tensor[], options: RmsPropOptions = {}) {
    checkNames('RMSprop', ['lr', 'alpha', 'eps', 'weightDecay', 'lossScale'], options);
    const { lr = 0.01, alpha = 0.99, eps = 1e-8, weightDecay = 0, lossScale } = options;
    super('RMSprop', device, params, lr, lossScale);
    checkFactor('RMSprop', `alpha is ${alpha}; it`, alpha, { below: 1 });
    checkFactor('RMSprop', `eps is ${eps}; it`, eps, { above: 0 });
    checkFactor('RMSprop', `weightDecay is ${weightDecay}; it`, weightDecay);
    this.options = { alpha, eps, weightDecay };
    this.averages = this.keep('square_avg');
  }

  protected override scalars(_: number, lr: number): number[] {
    return [lr];
  }

  protected override update(): Update {
    const { alpha, eps, weightDecay } = this.options;
    const params = { alpha, rest: 1 - alpha, eps, decay: weightDecay };
    return { label: 'rmsprop', source, constants: {}, params, state: { v: this.averages } };
  }

  override state(): Map<string, Tensor[]> {
    return new Map([['square_avg', [...this.averages.tensors.values()]]]);
  }
}
