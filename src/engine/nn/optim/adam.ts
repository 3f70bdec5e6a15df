import source from '../../../../shaders/optim/adam.wgsl';
import type { Device } from '../../gpu/device.ts';
import type { Bindable, Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/current.ts';
import { elementWorkgroups } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { Optimizer, type OptimizerOptions, type Slice } from './optimizer.ts';

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the averages of g and of g², each in [0, 1); by default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Keeps the division finite; by default 1e-8. */
  eps?: number;
}

/**
 * Adam, as torch.optim.Adam computes it (no weight decay). The learning rate is 0.001 by default.
 *
 * Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization".
 */
export class Adam extends Optimizer {
  private readonly betas: readonly [number, number];
  private readonly eps: number;
  /** The averages of g and of g² of each parameter. */
  private readonly moments: ReadonlyMap<Tensor, { m: Tensor; v: Tensor }>;

  /** @throws PixtapeError if a parameter is not a leaf, or a rate is out of its range */
  constructor(device: Device, params: readonly Tensor[], options: AdamOptions = {}) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, lossScale } = options;
    super('Adam', device, params, lr, lossScale);
    for (const beta of betas) {
      if (!(beta >= 0 && beta < 1)) throw new PixtapeError(`Adam: betas are [${betas}]; each must be in [0, 1)`);
    }
    if (!(eps > 0 && Number.isFinite(eps))) throw new PixtapeError(`Adam: eps is ${eps}; it must be above 0`);
    this.betas = betas;
    this.eps = eps;
    this.moments = new Map(
      this.params.map((p) => {
        const m = Tensor.zeros(device, p.shape, `${p.label}.exp_avg`);
        return [p, { m, v: Tensor.zeros(device, p.shape, `${p.label}.exp_avg_sq`) }];
      }),
    );
  }

  /** lr / (1 − β1^t) and 1 / √(1 − β2^t). */
  protected override scalars(step: number): number[] {
    const [beta1, beta2] = this.betas;
    return [this.lr / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step)];
  }

  protected override update(w: Tensor, g: Tensor, scalars: Storage, slice: Slice, n: number): void {
    const { device, lossScale, eps } = this;
    const [beta1, beta2] = this.betas;
    const moments = this.moments.get(w);
    if (!moments) throw new Error(`Adam has no averages for ${w.label}`);
    const kernel = lossScale ? device.kernel('adam.scaled', source, 'scaled') : device.kernel('adam', source);
    const scaling: Record<string, Bindable> = lossScale
      ? { scale: lossScale.scale.storage, overflow: lossScale.overflow.storage }
      : {};
    currentProgram(device).dispatch(
      kernel,
      { step: scalars, g: slice(g), w: slice(w), m: slice(moments.m), v: slice(moments.v), ...scaling },
      { n, beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, eps },
      elementWorkgroups(device, n),
    );
  }

  override state(): Map<string, Tensor[]> {
    const each = [...this.moments.values()];
    return new Map([
      ['exp_avg', each.map(({ m }) => m)],
      ['exp_avg_sq', each.map(({ v }) => v)],
    ]);
  }
}
