import source from '../../../../shaders/optim/average.wgsl';
import type { Device } from '../../gpu/device.ts';
import { moveIntoArena } from '../../gpu/memory/arena.ts';
import type { Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/current.ts';
import { elementWorkgroups } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import type { Module } from '../module.ts';

type Pair = readonly [from: Tensor, to: Tensor];

export interface AverageOptions {
  /** The share of the average that each step keeps, in [0, 1); by default 0.999. */
  decay?: number;
}

/**
 * An exponential moving average of a module's weights and running statistics, kept in the weights of another module of
 * the same structure: `new WeightAverage(generator, smooth)`, with `update()` recorded after the optimizer's step. Step
 * t keeps at most (1 + t) / (10 + t) of the average, so that the initial weights are soon forgotten. Counters are not
 * averaged.
 *
 * Source: Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; the warm-up is TensorFlow's.
 */
export class WeightAverage {
  private readonly pairs: readonly Pair[];
  private readonly decay: number;
  private next = 1;

  /** @throws PixtapeError if the modules differ in their tensors, or the decay is out of its range */
  constructor(source: Module, target: Module, { decay = 0.999 }: AverageOptions = {}) {
    if (!(decay >= 0 && decay < 1)) throw new PixtapeError(`WeightAverage: decay is ${decay}; it must be in [0, 1)`);
    this.decay = decay;
    const targets = target.stateDict();
    this.pairs = source.stateEntries().flatMap(({ name, tensor, kind }) => {
      tensor.device.throwIfBroken();
      const to = targets.get(name);
      if (to?.shape.join() !== tensor.shape.join()) {
        throw new PixtapeError(
          `WeightAverage: ${name} is [${tensor.shape}], the other module's is ${to ? `[${to.shape}]` : 'missing'}`,
          'Make both modules in the same way.',
        );
      }
      return kind === 'counter' ? [] : [[tensor, to] as const];
    });
  }

  /** Sets the number of the next run's update, counted from 1, to continue a saved run. */
  setStep(step: number): void {
    this.next = step;
  }

  /** Records the update. Call it once, after the optimizer's step. The first run copies the weights. */
  update(): void {
    const [first] = this.pairs;
    if (!first) return;
    const { device } = first[0];
    const program = currentProgram(device);
    const rate = device.persistent(16, 'average rate');
    program.onDestroy(() => device.dispose(rate));
    program.beforeRun(() => {
      const t = this.next++;
      device.write(rate, Float32Array.of(t === 1 ? 1 : 1 - Math.min(this.decay, (1 + t) / (10 + t)), 0, 0, 0));
    });
    const kernel = device.kernel('average', source);
    for (const { x, a, n } of this.runs(device)) {
      program.dispatch(kernel, { step: rate, x, a }, { n }, elementWorkgroups(device, n));
    }
  }

  /** The storage of each dispatch: the weights in the optimizer's buffer, all statistics, or a single tensor. */
  private runs(device: Device): { x: Storage; a: Storage; n: number }[] {
    const groups = new Map<Storage | undefined, Pair[]>();
    for (const pair of this.pairs) {
      const { arena } = pair[0].storage;
      groups.set(arena, [...(groups.get(arena) ?? []), pair]);
    }
    return [...groups].flatMap(([arena, pairs]) => {
      pairs.sort(([a], [b]) => a.storage.offset - b.storage.offset);
      // An optimizer may still move loose weights into a buffer of its own.
      const loose = arena ? [] : pairs.filter(([from]) => from.kind !== 'buffer');
      const [from, to] = [0, 1].map((side) => {
        return together(
          device,
          pairs.flatMap((pair) => (loose.includes(pair) ? [] : [(pair[side] as Tensor).storage])),
        );
      });
      const single = ([x, a]: Pair) => ({ x: x.storage, a: a.storage, n: x.size });
      const alike = pairs.every((p) => loose.includes(p) || p[0].storage.offset === p[1].storage.offset);
      if (!from || !to || !alike || from.bytes > device.bindingLimit) return pairs.map(single);
      // Write pending initial values now: if a kernel bound the whole buffer first, they would later overwrite its
      // results.
      for (const { storage } of pairs.flat()) if (storage.pending) device.settle(storage);
      return [...loose.map(single), { x: from, a: to, n: from.bytes / 4 }];
    });
  }
}

/** The buffer of exactly these storages in this order: the one that they are in, or one that they move to. */
function together(device: Device, storages: readonly Storage[]): Storage | undefined {
  const arena = storages[0]?.arena;
  if (!arena) return moveIntoArena(device, storages, 'average');
  return storages.every((s) => s.arena === arena) && storages.length === arena.tenants ? arena : undefined;
}
