import source from '../../../../shaders/optim/average.wgsl';
import { currentProgram } from '../../tape/current.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import type { Module } from '../module.ts';

export interface AverageOptions {
  /** How much of the average each step keeps, in [0, 1); by default 0.999. */
  decay?: number;
}

/**
 * An exponential moving average of a module's weights, and of its running statistics, in the weights of another module of
 * the same make: `new WeightAverage(generator, smooth)`, with `update()` recorded after the optimizer's step. Early steps
 * count for more, so that the first weights are soon forgotten: step t keeps at most (1 + t) / (10 + t). Counters are
 * left alone.
 *
 * Source: Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; the warm-up is TensorFlow's.
 */
export class WeightAverage {
  private readonly pairs: readonly (readonly [from: Tensor, to: Tensor])[];
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
    for (const [x, a] of this.pairs) dispatchElements(kernel, { step: rate, x, a }, { n: x.size });
  }
}
