import type { Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';

/** What a state-dict entry is: learnt, a running statistic, or a count (one u32 word in a one-element tensor). */
export type StateKind = 'parameter' | 'buffer' | 'counter';

export interface StateEntry {
  name: string;
  tensor: Tensor;
  kind: StateKind;
}

/**
 * A part of a network: named tensors and named sub-modules, in the order of their registration. The names joined by
 * dots are those of PyTorch's `state_dict()`, so that weights move between the two without renaming.
 */
export abstract class Module {
  /** Batch norm uses the batch's own statistics and dropout drops while this is true. */
  training = true;
  private readonly own: StateEntry[] = [];
  private readonly children: [string, Module][] = [];

  protected parameter(name: string, tensor: Tensor): Tensor {
    tensor.requiresGrad = true;
    this.own.push({ name, tensor, kind: 'parameter' });
    return tensor;
  }

  protected buffer(name: string, tensor: Tensor, kind: 'buffer' | 'counter' = 'buffer'): Tensor {
    this.own.push({ name, tensor, kind });
    return tensor;
  }

  protected child<M extends Module>(name: string, module: M): M {
    this.children.push([name, module]);
    return module;
  }

  /** Registers a list as PyTorch's ModuleList does: name.0, name.1, … */
  protected childList<M extends Module>(name: string, modules: M[]): M[] {
    modules.forEach((m, i) => {
      this.child(`${name}.${i}`, m);
    });
    return modules;
  }

  /** Every tensor of the state, named as in PyTorch's `state_dict()`; own tensors first, then the children's. */
  stateDict(prefix = ''): StateEntry[] {
    const own = this.own.map((e) => ({ ...e, name: prefix + e.name }));
    return [...own, ...this.children.flatMap(([name, m]) => m.stateDict(`${prefix}${name}.`))];
  }

  /** The learnt tensors, in the order of `stateDict`. */
  parameters(): Tensor[] {
    return this.stateDict().flatMap((e) => (e.kind === 'parameter' ? [e.tensor] : []));
  }

  /** This module and all below it, with their dotted names. */
  modules(prefix = ''): [string, Module][] {
    return [[prefix, this], ...this.children.flatMap(([name, m]) => m.modules(prefix ? `${prefix}.${name}` : name))];
  }

  get parameterCount(): number {
    return this.parameters().reduce((sum, p) => sum + p.size, 0);
  }

  /** Training mode for this module and all below it. Takes effect for what is recorded afterwards. */
  train(on = true): this {
    for (const [, m] of this.modules()) m.training = on;
    return this;
  }

  /** Evaluation mode: running statistics, no dropout. */
  eval(): this {
    return this.train(false);
  }

  /** Forgets the gradients of what was recorded so far, so that the next `backward` starts afresh. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.grad = undefined;
  }

  /** Records `body` with this module's weights taken as constants: gradients flow through it, but none into it. */
  frozen<T>(body: () => T): T {
    const parameters = this.parameters();
    for (const p of parameters) p.requiresGrad = false;
    try {
      return body();
    } finally {
      for (const p of parameters) p.requiresGrad = true;
    }
  }

  /**
   * Loads values by name. @throws PixtapeError that names the first tensor missing, left over, or of another shape.
   */
  loadStateDict(
    values: ReadonlyMap<string, { shape: readonly number[]; data: ArrayBufferView }>,
    source: string,
  ): void {
    const entries = this.stateDict();
    for (const { name, tensor } of entries) {
      const given = values.get(name);
      const hint = 'It belongs to another model or another configuration.';
      if (!given) throw new PixtapeError(`${source}: the tensor ${name} is missing`, hint);
      const size = given.shape.reduce((a, b) => a * b, 1);
      if (size !== tensor.size || (given.shape.length > 0 && given.shape.join() !== tensor.shape.join())) {
        throw new PixtapeError(`${source}: ${name} is [${given.shape}], the model's is [${tensor.shape}]`, hint);
      }
    }
    const known = new Set(entries.map((e) => e.name));
    for (const name of values.keys()) {
      if (!known.has(name)) throw new PixtapeError(`${source}: the model has no tensor named ${name}`);
    }
    for (const { name, tensor } of entries) {
      const data = (values.get(name) as { data: ArrayBufferView }).data;
      tensor.device.write(tensor.storage, data instanceof BigInt64Array ? Uint32Array.of(Number(data[0])) : data);
    }
  }
}
