import loopSource from '../../../../shaders/optim/optimizer.wgsl';
import type { Device } from '../../gpu/device.ts';
import { eachSlice, moveIntoArena, partOfArena } from '../../gpu/memory/arena.ts';
import type { Program } from '../../gpu/program.ts';
import type { ShaderConstants } from '../../gpu/shader/wgsl.ts';
import type { Bindable, Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/current.ts';
import { elementWorkgroups } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { LossScale } from './loss_scale.ts';

export interface OptimizerOptions {
  /** Learning rate: a number, or a function of the step (from 1). `optimizer.lr` can be changed before any run. */
  lr?: LearningRate;
  /** Weight decay: this times the weight is added to each gradient; by default 0. */
  weightDecay?: number;
  /**
   * For programs of precision f16. Pass `optimizer.lossScale?.scale` to `backward` to scale the gradients up; `step`
   * scales them down again. A step with an overflowing gradient leaves weights and averages unchanged, but still counts
   * as a step.
   */
  lossScale?: boolean;
}

/** A number, or a function of the step, counted from 1; see `schedules.ts`. */
export type LearningRate = number | ((step: number) => number);

/** What an optimizer's shader needs besides the gradient and the weight. */
export interface Update {
  label: string;
  /** The WGSL that is joined to optimizer.wgsl. */
  source: string;
  constants: ShaderConstants;
  params: Readonly<Record<string, number>>;
  /** Its state for each parameter, by the name in the shader. */
  state: Readonly<Record<string, KeptState>>;
}

/** One tensor per parameter, of its shape, in memory in the parameters' order. */
export interface KeptState {
  tensors: ReadonlyMap<Tensor, Tensor>;
  /** All of them as one storage, if the parameters share a buffer, too. */
  arena: Storage | undefined;
}

/** Parameters that one dispatch updates: a single one, or all, if weights, gradients and state are each contiguous. */
interface Run {
  bytes: number;
  weights: Storage;
  gradients: Storage;
  state: Readonly<Record<string, Storage>>;
}

/**
 * Updates weights by their gradients. `step()` is recorded once, after `backward`. Each run of the program is then one
 * step, which the optimizer counts.
 */
export abstract class Optimizer {
  /** A change takes effect with the next run. */
  lr: LearningRate;
  /** Set if the options asked for it. */
  readonly lossScale: LossScale | undefined;
  protected readonly device: Device;
  /** The parameters, without duplicates. */
  protected readonly params: readonly Tensor[];
  private readonly name: string;
  private readonly arena: Storage | undefined;
  private next = 1;

  /**
   * @param params leaf tensors; a tensor listed twice is updated once
   * @throws PixtapeError if a parameter is not a leaf
   */
  protected constructor(name: string, device: Device, params: readonly Tensor[], lr: LearningRate, lossScale = false) {
    device.throwIfBroken();
    this.name = name;
    this.device = device;
    this.params = [...new Set(params)];
    this.lr = lr;
    this.rate(1);
    this.lossScale = lossScale ? new LossScale(device) : undefined;
    for (const p of params) {
      if (p.storage.persistent) continue;
      throw new PixtapeError(
        `${name}: ${p.label} [${p.shape}] is the result of an operation`,
        'Give it leaf tensors only.',
      );
    }
    this.arena = moveIntoArena(
      device,
      this.params.map((p) => p.storage),
      `${name} weights`,
    );
  }

  /** Makes zeros of each parameter's shape: state that a subclass keeps from step to step. */
  protected keep(suffix: string): KeptState {
    const { device, arena, params } = this;
    const label = (p: Tensor) => `${p.label}.${suffix}`;
    if (!arena) {
      const tensors = new Map(params.map((p) => [p, Tensor.zeros(device, p.shape, label(p))] as const));
      return { tensors, arena: undefined };
    }
    const own = device.persistent(arena.bytes, `${this.name} ${suffix}`);
    const part = (p: Tensor) => partOfArena(own, p.storage.offset, p.storage.bytes, label(p));
    return { tensors: new Map(params.map((p) => [p, new Tensor(device, p.shape, part(p))] as const)), arena: own };
  }

  /** Steps done so far. */
  get steps(): number {
    return this.next - 1;
  }

  /**
   * Sets the number of the next run's step, counted from 1, to continue a saved run.
   * @throws PixtapeError if it is not a whole number of at least 1
   */
  setStep(step: number): void {
    if (!Number.isSafeInteger(step) || step < 1) {
      throw new PixtapeError(`${this.name}: step ${step}; steps are whole numbers from 1`);
    }
    this.next = step;
  }

  /**
   * Records the update of every parameter that has a gradient. Call it after `backward`. Parameters without a gradient
   * stay unchanged.
   * @throws PixtapeError if none has a gradient; and when the program runs, if the learning rate is negative or not a
   *   number
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
    const scalars = device.persistent(16, `${this.name} step`);
    program.onDestroy(() => device.dispose(scalars));
    program.beforeRun(() => {
      const step = this.next;
      device.write(scalars, Float32Array.of(...this.scalars(step, this.rate(step)), 0, 0, 0).subarray(0, 4));
      this.next++;
    });
    if (lossScale) {
      for (const [, { storage }] of learning) {
        eachSlice(device, storage.bytes, (slice, n) => lossScale.inspect(slice(storage), n));
      }
    }
    const update = this.update();
    for (const run of this.runs(program, learning, update)) this.recordUpdate(run, update, scalars);
    lossScale?.adjust();
  }

  /** One run if weights, gradients and state are contiguous and every weight has a gradient; else one per weight. */
  private runs(program: Program, learning: readonly (readonly [Tensor, Tensor])[], update: Update): Run[] {
    const { arena: weights, params } = this;
    const state = Object.entries(update.state);
    if (weights && learning.length === params.length && learning.every(([, g]) => g.dtype === 'f32')) {
      const gradients = program.colocate(
        learning.map(([, g]) => g.storage),
        `${this.name} gradients`,
      );
      const arenas = Object.fromEntries(state.flatMap(([name, { arena }]) => (arena ? [[name, arena] as const] : [])));
      if (gradients) return [{ bytes: weights.bytes, weights, gradients, state: arenas }];
    }
    return learning.map(([p, g]) => {
      const own = state.map(([name, { tensors }]) => {
        const kept = tensors.get(p);
        if (!kept) throw new Error(`${this.name} keeps no ${name} for ${p.label}`);
        return [name, kept.storage] as const;
      });
      return { bytes: p.size * 4, weights: p.storage, gradients: g.storage, state: Object.fromEntries(own) };
    });
  }

  private recordUpdate({ bytes, weights, gradients, state }: Run, update: Update, scalars: Storage): void {
    const { device, lossScale } = this;
    const { label, source, constants, params } = update;
    const text = `${source}\n${loopSource}`;
    const kernel = lossScale
      ? device.kernel(`${label}.scaled`, text, 'scaled', constants)
      : device.kernel(label, text, 'main', constants);
    const scaling: Record<string, Bindable> = lossScale
      ? { scale: lossScale.scale.storage, overflow: lossScale.overflow.storage }
      : {};
    eachSlice(device, bytes, (slice, n) => {
      const kept = Object.fromEntries(Object.entries(state).map(([name, storage]) => [name, slice(storage)]));
      const bindings = { step: scalars, g: slice(gradients), w: slice(weights), ...kept, ...scaling };
      currentProgram(device).dispatch(kernel, bindings, { n, ...params }, elementWorkgroups(device, n));
    });
  }

  /** Up to four numbers that the shader needs in a step. */
  protected abstract scalars(step: number, lr: number): number[];

  /** The shader that updates parameters, with its state. */
  protected abstract update(): Update;

  /** The state of each parameter, in the order given, under PyTorch's names: for checkpoints. */
  abstract state(): Map<string, Tensor[]>;

  /** Frees the memory of its state. */
  dispose(): void {
    for (const tensors of this.state().values()) for (const t of tensors) t.dispose();
    this.lossScale?.dispose();
  }

  private rate(step: number): number {
    const rate = typeof this.lr === 'function' ? this.lr(step) : this.lr;
    if (rate >= 0 && Number.isFinite(rate)) return rate;
    throw new PixtapeError(`${this.name}: the learning rate is ${rate}; it must be a number of at least 0`);
  }
}
