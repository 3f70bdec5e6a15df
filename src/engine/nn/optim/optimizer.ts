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
  /** Learning rate: a number, or for each step (from 1) a number. `optimizer.lr` can change it before any run. */
  lr?: LearningRate;
  /** Added to each gradient, times the weight; by default 0. */
  weightDecay?: number;
  /**
   * For programs of precision f16: `backward(loss, optimizer.lossScale?.scale)` scales the gradients up, `step` down
   * again, and a step in which one of them overflows leaves weights and averages as they are. It counts as a step all
   * the same.
   */
  lossScale?: boolean;
}

/** A number, or what gives it for each step, counted from 1; see `schedules.ts`. */
export type LearningRate = number | ((step: number) => number);

/** What an optimizer's shader needs beside the gradient and the weight. */
export interface Update {
  label: string;
  /** The text that is joined to optimizer.wgsl. */
  source: string;
  constants: ShaderConstants;
  params: Readonly<Record<string, number>>;
  /** What it keeps for each parameter, under its name in the shader. */
  state: Readonly<Record<string, KeptState>>;
}

/** A tensor for each parameter, of its shape; laid out in memory as the parameters are. */
export interface KeptState {
  tensors: ReadonlyMap<Tensor, Tensor>;
  /** All of them as one storage, where the parameters lie in one buffer, too. */
  arena: Storage | undefined;
}

/** Parameters that one dispatch can go through: a single one, or all, where weights, gradients and state lie side by side. */
interface Run {
  bytes: number;
  weights: Storage;
  gradients: Storage;
  state: Readonly<Record<string, Storage>>;
}

/**
 * Updates weights by their gradients. `step()` is recorded once, after `backward`; each run of the program is then a step
 * of its own, counted by the optimizer.
 */
export abstract class Optimizer {
  /** Takes effect with the next run. */
  lr: LearningRate;
  /** If it was asked for. */
  readonly lossScale: LossScale | undefined;
  protected readonly device: Device;
  /** The parameters, each once. */
  protected readonly params: readonly Tensor[];
  private readonly name: string;
  private readonly arena: Storage | undefined;
  private next = 1;

  /**
   * @param params leaf tensors; one that is listed twice is updated once
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

  /** Zeros for each parameter, of its shape: what a subclass keeps from step to step. */
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

  /** One run where weights, gradients and state lie side by side and every weight learns; else one a weight. */
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

  /** Up to four numbers that the shader has to know of a step. */
  protected abstract scalars(step: number, lr: number): number[];

  /** How parameters are updated. */
  protected abstract update(): Update;

  /** What it keeps for each parameter, in the order given, under PyTorch's names: for checkpoints. */
  abstract state(): Map<string, Tensor[]>;

  /** Gives the memory of its state back. */
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
