import type { Device } from '../../gpu/device.ts';
import type { Bindable, Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/current.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { LossScale } from './loss_scale.ts';

export interface OptimizerOptions {
  /** Learning rate. `optimizer.lr` can change it before any run. */
  lr?: number;
  /**
   * For programs of precision f16: `backward(loss, optimizer.lossScale?.scale)` scales the gradients up, `step` down
   * again, and a step in which one of them overflows leaves weights and averages as they are. It counts as a step all
   * the same.
   */
  lossScale?: boolean;
}

/** What an update reads of a weight: all of it, or the part that a kernel can bind at once. */
export type Slice = (tensor: Tensor) => Bindable;

/**
 * Updates weights by their gradients. `step()` is recorded once, after `backward`; each run of the program is then a step
 * of its own, counted by the optimizer.
 */
export abstract class Optimizer {
  /** Takes effect with the next run. */
  lr: number;
  /** If it was asked for. */
  readonly lossScale: LossScale | undefined;
  protected readonly device: Device;
  /** The parameters, each once. */
  protected readonly params: readonly Tensor[];
  private readonly name: string;
  private next = 1;

  /**
   * @param params leaf tensors; one that is listed twice is updated once
   * @throws PixtapeError if a parameter is not a leaf
   */
  protected constructor(name: string, device: Device, params: readonly Tensor[], lr: number, lossScale = false) {
    this.name = name;
    this.device = device;
    this.params = [...new Set(params)];
    this.lr = lr;
    this.checkRate();
    this.lossScale = lossScale ? new LossScale(device) : undefined;
    for (const p of params) {
      if (p.storage.persistent) continue;
      throw new PixtapeError(
        `${name}: ${p.label} [${p.shape}] is the result of an operation`,
        'Give it leaf tensors only.',
      );
    }
  }

  /** Steps done so far. */
  get steps(): number {
    return this.next - 1;
  }

  /**
   * Says which step the next run is, counted from 1: to go on where a saved run stopped.
   * @throws PixtapeError if it is not a whole number of at least 1
   */
  setStep(step: number): void {
    if (!Number.isSafeInteger(step) || step < 1) {
      throw new PixtapeError(`${this.name}: step ${step}; steps are whole numbers from 1`);
    }
    this.next = step;
  }

  /**
   * To be recorded after `backward`: updates every parameter that has a gradient; one without is left as it is.
   * @throws PixtapeError if none has, and at the run if the learning rate is not a number of at least 0
   */
  step(): void {
    const { device, lossScale } = this;
    const program = currentProgram(device);
    const learning = this.params.flatMap((p) => (p.grad ? [[p, p.grad] as const] : []));
    if (learning.length === 0) {
      throw new PixtapeError(`${this.name}: no parameter has a gradient`, 'Record backward(loss) before step().', {
        code: 'misuse',
      });
    }
    const scalars = device.persistent(this.scalars(1).length * 4, `${this.name} step`);
    program.onDestroy(() => device.dispose(scalars));
    program.beforeRun(() => {
      this.checkRate();
      device.write(scalars, Float32Array.from(this.scalars(this.next++)));
    });
    if (lossScale) {
      for (const [, g] of learning) this.slices(g, (slice, n) => lossScale.inspect(slice(g), n));
    }
    for (const [p, g] of learning) this.slices(p, (slice, n) => this.update(p, g, scalars, slice, n));
    lossScale?.adjust();
  }

  /** What the kernels have to know of step `step`, from the learning rate on; as many numbers every time. */
  protected abstract scalars(step: number): number[];

  /** Records the update of `n` elements of a parameter by its gradient. */
  protected abstract update(parameter: Tensor, gradient: Tensor, scalars: Storage, slice: Slice, n: number): void;

  /** What it keeps for each parameter, in the order given, under PyTorch's names: for checkpoints. */
  abstract state(): Map<string, Tensor[]>;

  /** Gives the memory of its state back. */
  dispose(): void {
    for (const tensors of this.state().values()) for (const t of tensors) t.dispose();
    this.lossScale?.dispose();
  }

  /** Once for the tensor, or for each slice of n elements where it is larger than a kernel can bind at once. */
  private slices({ size: elements }: Tensor, visit: (slice: Slice, n: number) => void): void {
    const bytes = elements * 4;
    const unit = this.device.limits.minStorageBufferOffsetAlignment;
    const most = Math.floor(this.device.bindingLimit / unit) * unit;
    for (let offset = 0; offset < bytes; offset += most) {
      const size = Math.min(most, bytes - offset);
      visit(({ storage }) => (size === bytes ? storage : { storage, offset, size }), size / 4);
    }
  }

  private checkRate(): void {
    if (!(this.lr >= 0 && Number.isFinite(this.lr)))
      throw new PixtapeError(`${this.name}: the learning rate is ${this.lr}; it must be at least 0`);
  }
}
