import source from '../../../shaders/optim/adam.wgsl';
import type { Device } from '../gpu/device.ts';
import type { Bindable, Storage } from '../gpu/storage.ts';
import { elementWorkgroups } from '../tape/dispatch.ts';
import { currentProgram } from '../tape/record.ts';
import { Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';
import { LossScale } from './loss_scale.ts';

export interface AdamOptions {
  /** Learning rate; by default 0.001. `setStep` can give each step another. */
  lr?: number;
  /** Decay of the averages of g and of g², each in [0, 1); by default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Keeps the division finite; by default 1e-8. */
  eps?: number;
  /**
   * For programs of precision f16: `backward(loss, adam.lossScale?.scale)` scales the gradients up, `step` down again, and
   * a step in which one of them overflows leaves weights and averages as they are. It counts as a step all the same.
   */
  lossScale?: boolean;
}

interface Moments {
  m: Tensor;
  v: Tensor;
}

/**
 * Adam, as torch.optim.Adam computes it (no weight decay). `step()` is recorded once after `backward`; before every
 * run `setStep` says which step it is.
 *
 * Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization".
 */
export class Adam {
  /** If it was asked for. */
  readonly lossScale: LossScale | undefined;
  private readonly device: Device;
  private readonly params: readonly Tensor[];
  private readonly moments = new Map<Tensor, Moments>();
  private readonly lr: number;
  private readonly betas: readonly [number, number];
  private readonly eps: number;
  /** Two floats: lr / (1 − β1^t) and 1 / √(1 − β2^t). */
  private readonly scalars: Storage;
  private stepKnown = false;

  /**
   * @param params leaf tensors; one that is listed twice is updated once
   * @throws PixtapeError if a parameter is not a leaf, or a rate is out of its range
   */
  constructor(device: Device, params: readonly Tensor[], options: AdamOptions = {}) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, lossScale = false } = options;
    checkRate(lr);
    for (const beta of betas) {
      if (!(beta >= 0 && beta < 1)) throw new PixtapeError(`Adam: betas are [${betas}]; each must be in [0, 1)`);
    }
    if (!(eps > 0 && Number.isFinite(eps))) throw new PixtapeError(`Adam: eps is ${eps}; it must be above 0`);
    this.device = device;
    this.params = [...params];
    this.lr = lr;
    this.betas = betas;
    this.eps = eps;
    this.scalars = device.persistent(8, 'Adam step');
    this.lossScale = lossScale ? new LossScale(device) : undefined;
    for (const p of params) {
      if (!p.storage.persistent) {
        throw new PixtapeError(
          `Adam: ${p.label} [${p.shape}] is the result of an operation`,
          'Give it leaf tensors only.',
        );
      }
      if (this.moments.has(p)) continue;
      const m = Tensor.zeros(device, p.shape, `${p.label}.exp_avg`);
      const v = Tensor.zeros(device, p.shape, `${p.label}.exp_avg_sq`);
      this.moments.set(p, { m, v });
    }
  }

  /**
   * Says which step the next run is, counted from 1; every run of a program that holds `step()` needs it.
   * @param lr the learning rate of this step; by default the constructor's
   */
  setStep(t: number, lr = this.lr): void {
    if (!Number.isSafeInteger(t) || t < 1) throw new Error(`Adam: step ${t}; steps are whole numbers from 1`);
    checkRate(lr);
    const [beta1, beta2] = this.betas;
    this.device.write(this.scalars, Float32Array.of(lr / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t)));
    this.stepKnown = true;
  }

  /**
   * To be recorded after `backward`: updates every parameter that has a gradient; one without is left as it is.
   * @throws Error if none has, and at the run if `setStep` was never called
   */
  step(): void {
    const program = currentProgram(this.device);
    if (this.params.every((p) => !p.grad))
      throw new Error('Adam: no parameter has a gradient: record backward() first');
    program.beforeRun(() => {
      if (!this.stepKnown) throw new Error('Adam: call setStep(1), setStep(2) … before each run');
    });
    const { lossScale } = this;
    if (lossScale) {
      for (const { grad } of this.moments.keys()) {
        if (grad) this.slices(grad, (slice, n) => lossScale.inspect(slice(grad), n));
      }
    }
    for (const [p, { m, v }] of this.moments) {
      if (p.grad) this.update(p, p.grad, m, v);
    }
    lossScale?.adjust();
  }

  private update(w: Tensor, g: Tensor, m: Tensor, v: Tensor): void {
    const { device, lossScale, scalars, eps } = this;
    const [beta1, beta2] = this.betas;
    const kernel = lossScale ? device.kernel('adam.scaled', source, 'scaled') : device.kernel('adam', source);
    const scaling: Record<string, Bindable> = lossScale
      ? { scale: lossScale.scale.storage, overflow: lossScale.overflow.storage }
      : {};
    this.slices(w, (slice, n) => {
      currentProgram(device).dispatch(
        kernel,
        { step: scalars, g: slice(g), w: slice(w), m: slice(m), v: slice(v), ...scaling },
        { n, beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, eps },
        elementWorkgroups(device, n),
      );
    });
  }

  /** Once for the tensor, or for each slice of n elements where it is larger than a kernel can bind at once. */
  private slices({ size: elements }: Tensor, visit: (slice: (t: Tensor) => Bindable, n: number) => void): void {
    const bytes = elements * 4;
    const unit = this.device.limits.minStorageBufferOffsetAlignment;
    const most = Math.floor(this.device.bindingLimit / unit) * unit;
    for (let offset = 0; offset < bytes; offset += most) {
      const size = Math.min(most, bytes - offset);
      visit(({ storage }) => (size === bytes ? storage : { storage, offset, size }), size / 4);
    }
  }

  /** The averages of g and of g² of each parameter, in the order given: for checkpoints. */
  state(): { m: Tensor[]; v: Tensor[] } {
    const each = this.params.map((p) => this.moments.get(p) as Moments);
    return { m: each.map((s) => s.m), v: each.map((s) => s.v) };
  }
}

function checkRate(lr: number): void {
  if (!(lr >= 0 && Number.isFinite(lr)))
    throw new PixtapeError(`Adam: the learning rate is ${lr}; it must be at least 0`);
}
