import source from '../../../../shaders/optim/average.wgsl';
import { eachSlice, moveIntoArena } from '../../gpu/memory/arena.ts';
import type { Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/current.ts';
import { elementWorkgroups } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import type { Module } from '../module.ts';

export interface AverageOptions {
  /** How much of the average each step keeps, in [0, 1); by default 0.999. */
  decay?: number;
}

type Pair = readonly [from: Tensor, to: Tensor];
const isWeight = ([from]: Pair): boolean => from.kind === 'parameter';

/**
 * An exponential moving average of a module's weights, and of its running statistics, in the weights of another module of
 * the same make: `new WeightAverage(generator, smooth)`, with `update()` recorded after the optimizer's step. Early steps
 * count for more, so that the first weights are soon forgotten: step t keeps at most (1 + t) / (10 + t). Counters are
 * left alone.
 *
 * Source: Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; the warm-up is TensorFlow's.
 */
export class WeightAverage {
  private readonly pairs: readonly Pair[];
  /** The averages of all weights, side by side in one buffer. */
  private readonly arena: Storage | undefined;
  private readonly decay: number;
  private next = 1;

  /** @throws PixtapeError if the modules differ in their tensors, or the decay is out of its range */
  constructor(source: Module, target: Module, { decay = 0.999 }: AverageOptions = {}) {
    if (!(decay >= 0 && decay < 1)) throw new PixtapeError(`WeightAverage: decay is ${decay}; it must be in [0, 1)`);
    this.decay = decay;
    const targets = target.stateDict();
    this.pairs = source.stateEntries().flatMap(({ name, tensor, kind }) => {
      const to = targets.get(name);
      if (to?.shape.join() !== tensor.shape.join()) {
        throw new PixtapeError(
          `WeightAverage: ${name} is [${tensor.shape}], the other module's is ${to ? `[${to.shape}]` : 'missing'}`,
          'Make both modules in the same way.',
        );
      }
      return kind === 'counter' ? [] : [[tensor, to] as const];
    });
    const weights = this.pairs.filter(isWeight);
    const storages = weights.map(([, { storage }]) => storage);
    this.arena = weights[0] && moveIntoArena(weights[0][0].device, storages, 'averaged weights');
  }

  /** Says which update the next run makes, counted from 1: to go on where a saved run stopped. */
  setStep(step: number): void {
    this.next = step;
  }

  /** To be recorded once, after the optimizer's step. The first run copies the weights. */
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
    for (const [x, a, bytes] of this.runs()) {
      eachSlice(device, bytes, (slice, n) => {
        program.dispatch(kernel, { step: rate, x: slice(x), a: slice(a) }, { n }, elementWorkgroups(device, n));
      });
    }
  }

  /** One run for all weights, where an optimizer has laid them side by side as the averages are; else one a tensor. */
  private runs(): (readonly [from: Storage, to: Storage, bytes: number])[] {
    const { pairs, arena } = this;
    const weights = pairs.filter(isWeight);
    const from = weights[0]?.[0].storage.arena;
    const alike = weights.every(([x, a]) => x.storage.arena === from && x.storage.offset === a.storage.offset);
    const all = arena && from && alike && from.tenants === weights.length && from.bytes === arena.bytes;
    // A kernel that binds the whole would have first values that are still to come written over its results.
    if (all) for (const { device, storage } of weights.flat()) if (storage.pending) device.settle(storage);
    const single = all ? pairs.filter((pair) => !isWeight(pair)) : pairs;
    const each = single.map(([x, a]) => [x.storage, a.storage, x.size * 4] as const);
    return all ? [[from, arena, arena.bytes], ...each] : each;
  }
}
