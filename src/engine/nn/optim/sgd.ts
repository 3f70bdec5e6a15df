import plainSource from '../../../../shaders/optim/sgd.wgsl';
import momentumSource from '../../../../shaders/optim/sgd_momentum.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { checkFactor, checkNames } from './check.ts';
import { type KeptState, Optimizer, type OptimizerOptions, type Update } from './optimizer.ts';

export interface SgdOptions extends OptimizerOptions {
  /** The share of the last update that each step keeps; by default 0. */
  momentum?: number;
  /** The share of the gradient that momentum leaves out; by default 0. */
  dampening?: number;
  /** Nesterov momentum; by default false. */
  nesterov?: boolean;
}

/**
 * Stochastic gradient descent with optional momentum, as torch.optim.SGD computes it. The learning rate is 0.001 by
 * default.
 *
 * Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".
 */
export class SGD extends Optimizer {
  private readonly options: Required<Pick<SgdOptions, 'momentum' | 'dampening' | 'nesterov' | 'weightDecay'>>;
  private readonly buffers: KeptState | undefined;

  /** @throws PixtapeError if a parameter is not a leaf, a rate is out of its range, or Nesterov has no momentum */
  constructor(device: Device, params: readonly Tensor[], options: SgdOptions = {}) {
    checkNames('SGD', ['lr', 'momentum', 'dampening', 'nesterov', 'weightDecay', 'lossScale'], options);
    const { lr = 1e-3, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0, lossScale } = options;
    super('SGD', device, params, lr, lossScale);
    for (const [name, value] of Object.entries({ momentum, dampening, weightDecay })) {
      checkFactor('SGD', `${name} is ${value}; it`, value);
    }
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new PixtapeError('SGD: nesterov needs a momentum above 0 and a dampening of 0');
    }
    this.options = { momentum, dampening, nesterov, weightDecay };
    this.buffers = momentum > 0 ? this.keep('momentum_buffer') : undefined;
  }

  /** PyTorch's first step ignores dampening. */
  protected override scalars(step: number, lr: number): number[] {
    return [lr, step === 1 ? 1 : 1 - this.options.dampening];
  }

  protected override update(): Update {
    const { momentum, nesterov, weightDecay: decay } = this.options;
    const b = this.buffers;
    if (!b) return { label: 'sgd', source: plainSource, constants: {}, params: { decay }, state: {} };
    const constants = { NESTEROV: nesterov };
    return { label: 'sgd.momentum', source: momentumSource, constants, params: { momentum, decay }, state: { b } };
  }

  override state(): Map<string, Tensor[]> {
    return new Map(this.buffers ? [['momentum_buffer', [...this.buffers.tensors.values()]]] : []);
  }
}
