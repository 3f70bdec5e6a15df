import { type StateKind, Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';
import type { NamedTensor } from '../util/safetensors.ts';
import { checkState, type LoadOptions, type LoadResult, writeState } from './state.ts';

export interface StateEntry {
  name: string;
  tensor: Tensor;
  kind: StateKind;
}

/** Marks a leaf as a parameter: `this.scale = parameter(Tensor.from(device, [1], [1]))`. */
export function parameter(tensor: Tensor): Tensor {
  tensor.requiresGrad = true;
  tensor.kind = 'parameter';
  return tensor;
}

/** Marks a leaf as state that is not learnt: a running statistic, or a count. */
export function buffer(tensor: Tensor, kind: 'buffer' | 'counter' = 'buffer'): Tensor {
  tensor.kind = kind;
  return tensor;
}

/**
 * A part of a network. It finds parameters, buffers, child modules and arrays of modules by assignment:
 *
 *     class Block extends Module {
 *       readonly conv1: Conv2d;
 *       readonly blocks: Block[];
 *       constructor(device: Device) {
 *         super();
 *         this.conv1 = new Conv2d(device, 3, 8, 3, { padding: 1 });
 *         this.blocks = [];
 *       }
 *     }
 *
 * Names are those of PyTorch's `state_dict()`: property names in snake case (`runningMean` is `running_mean`), an array's
 * elements by their index (`blocks.0`), joined by dots. So weights need no renaming between the two.
 */
export abstract class Module {
  /** True in training mode: batch norm uses the batch's own statistics, and dropout drops. */
  training = true;

  /** This module's own tensors: parameters, then buffers and counters, in the order of their assignment. */
  private ownState(): StateEntry[] {
    const own = Object.entries(this).flatMap(([name, value]) =>
      value instanceof Tensor && value.kind ? [{ name: snakeCase(name), tensor: value, kind: value.kind }] : [],
    );
    return [...own.filter((e) => e.kind === 'parameter'), ...own.filter((e) => e.kind !== 'parameter')];
  }

  /** Child modules with their names, in the order of their assignment. */
  private children(): [string, Module][] {
    return Object.entries(this).flatMap(([name, value]) => childrenIn(snakeCase(name), value));
  }

  /** Every tensor of the state with its name and kind; own tensors first, then the children's. */
  stateEntries(prefix = ''): StateEntry[] {
    return this.modules().flatMap(([path, module]) => {
      const above = path ? `${prefix}${path}.` : prefix;
      return module.ownState().map((e) => ({ ...e, name: above + e.name }));
    });
  }

  /** Every tensor of the state by its name, as PyTorch's `state_dict()`; each tensor's `kind` says what it is. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.stateEntries().map(({ name, tensor }) => [name, tensor]));
  }

  /** The learnt tensors, each once, in the order of `stateDict`. */
  parameters(): Tensor[] {
    return [...new Set(this.stateEntries().flatMap((e) => (e.kind === 'parameter' ? [e.tensor] : [])))];
  }

  /** This module and all below it, each once, with their dotted names; a parent comes before its children. */
  modules(prefix = ''): [string, Module][] {
    const found = new Map<Module, string>();
    const walk = (module: Module, path: string): void => {
      if (found.has(module)) return;
      found.set(module, path);
      for (const [name, child] of module.children()) walk(child, path ? `${path}.${name}` : name);
    };
    walk(this, prefix);
    return [...found].map(([module, path]) => [path, module]);
  }

  get parameterCount(): number {
    return this.parameters().reduce((sum, p) => sum + p.size, 0);
  }

  /** Sets training mode for this module and all below it. Takes effect for what is recorded afterwards. */
  train(on = true): this {
    for (const [, m] of this.modules()) m.training = on;
    return this;
  }

  /** Sets evaluation mode: running statistics, no dropout. */
  eval(): this {
    return this.train(false);
  }

  /** Drops the gradients of the program that is being recorded, so that the next `backward` starts afresh. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.grad = undefined;
  }

  /**
   * Records `body` with this module's weights as constants: gradients flow through the module, but not into its
   * weights.
   */
  withFrozenWeights<T>(body: () => T): T {
    const before = this.parameters().map((p) => [p, p.requiresGrad] as const);
    for (const [p] of before) p.requiresGrad = false;
    try {
      return body();
    } finally {
      for (const [p, requiresGrad] of before) p.requiresGrad = requiresGrad;
    }
  }

  /**
   * Loads values by name: floats of any width, and whole numbers for counters.
   * @param options `strict: false` ignores names that only one side has
   * @returns the missing names, and the unexpected ones
   * @throws PixtapeError that names the first tensor that is missing, unexpected, or of another shape or type
   */
  loadStateDict(values: ReadonlyMap<string, NamedTensor>, options: LoadOptions = {}): LoadResult {
    const entries = this.stateEntries();
    const result = checkState(entries, values, options);
    writeState(entries, values);
    return result;
  }

  /** Frees the memory of every tensor of the state. */
  dispose(): void {
    for (const { tensor } of this.stateEntries()) tensor.dispose();
  }
}

function childrenIn(name: string, value: unknown): [string, Module][] {
  if (value instanceof Module) return [[name, value]];
  if (!Array.isArray(value)) return [];
  const modules = value.flatMap((item, i) =>
    item instanceof Module ? [[`${name}.${i}`, item] as [string, Module]] : [],
  );
  if (value.some((item) => item instanceof Tensor && item.kind)) {
    throw new PixtapeError(
      `the array ${name} holds parameters, which would be neither learnt nor saved`,
      'Assign each parameter to a property of its own, or put it into a Module.',
      { code: 'misuse' },
    );
  }
  return modules;
}

/** `runningMean` → `running_mean`; `conv1` and `conv_block1` stay as they are. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
