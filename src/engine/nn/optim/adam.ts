import source from '../../../../shaders/optim/adam.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { checkFactor, checkNames } from './check.ts';
import { type KeptState, Optimizer, type OptimizerOptions, type Update } from './optimizer.ts';

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the averages of g and of g², each in [0, 1); by default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Keeps the division finite; by default 1e-8. */
  eps?: number;
}

/** The kinds of weight decay; the numbers are the shader's. */
const NO_DECAY = 0;
const INTO_GRADIENT = 1;
const DECOUPLED = 2;

/**
 * Adam, as torch.optim.Adam computes it. The learning rate is 0.001 by default.
 *
 * Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization".
 */
export class Adam extends Optimizer {
  private readonly betas: readonly [number, number];
  private readonly eps: number;
  private readonly weightDecay: number;
  private readonly decoupled: boolean;
  /** The averages of g and of g² of each parameter. */
  private readonly m: KeptState;
  private readonly v: KeptState;

  /** @throws PixtapeError if a parameter is not a leaf, or a rate is out of its range */
  constructor(device: Device, params: readonly Tensor[], options: AdamOptions = {}, decoupled = false) {
    const name = decoupled ? 'AdamW' : 'Adam';
    checkNames(name, ['lr', 'betas', 'eps', 'weightDecay', 'lossScale'], options);
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0, lossScale } = options;
    super(name, device, params, lr, lossScale);
    for (const beta of betas) checkFactor(name, `betas are [${betas}]; each`, beta, { below: 1 });
    checkFactor(name, `eps is ${eps}; it`, eps, { above: 0 });
    checkFactor(name, `weightDecay is ${weightDecay}; it`, weightDecay);
    this.betas = betas;
    this.eps = eps;
    this.weightDecay = weightDecay;
    this.decoupled = decoupled;
    this.m = this.keep('exp_avg');
    this.v = this.keep('exp_avg_sq');
  }

  /** lr / (1 − β1^t), 1 / √(1 − β2^t), and the factor by which AdamW shrinks the weights. */
  protected override scalars(step: number, lr: number): number[] {
    const [beta1, beta2] = this.betas;
    return [lr / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step), 1 - lr * this.weightDecay];
  }

  protected override update(): Update {
    const { eps, weightDecay, m, v } = this;
    const [beta1, beta2] = this.betas;
    const DECAY = weightDecay === 0 ? NO_DECAY : this.decoupled ? DECOUPLED : INTO_GRADIENT;
    const params = { beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, eps, decay: weightDecay };
    return { label: 'adam', source, constants: { DECAY }, params, state: { m, v } };
  }

  override state(): Map<string, Tensor[]> {
    return new Map([
      ['exp_avg', [...this.m.tensors.values()]],
      ['exp_avg_sq', [...this.v.tensors.values()]],
    ]);
  }
}

/**
 * Adam with weight decay (0.01 by default) that shrinks the weights themselves, as torch.optim.AdamW.
 *
 * Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization".
 */
export class AdamW extends Adam {
  /** @throws PixtapeError if a parameter is not a leaf, or a rate is out of its range */
  constructor(device: Device, params: readonly Tensor[], options: AdamOptions = {}) {
    super(device, params, { weightDecay: 0.01, ...options }, true);
  }
}
