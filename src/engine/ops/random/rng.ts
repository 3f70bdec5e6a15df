import type { Device } from '../../gpu/device.ts';
import type { Program } from '../../gpu/program.ts';
import type { Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/current.ts';
import { PixtapeError } from '../../util/errors.ts';
import type { Part } from '../ranks/ranks.ts';

/**
 * The key of a program's random numbers: (seed, step). Each number is computed from the key, the layer's number and the
 * element's number, not drawn from a stream. So nothing needs to be stored between forward and backward, and a step can
 * be repeated at any time. Each run of a program that uses the key is a step of its own: the step advances by itself.
 */
export class Rng {
  readonly device: Device;
  readonly seed: number;
  /** The part of the batch in this process: dropout draws this part of the whole batch's masks. */
  readonly part: Part;
  /** Four words: seed lo, seed hi, step lo, step hi. */
  readonly key: Storage;
  private step = 0;
  private readonly programs = new WeakSet<Program>();

  /**
   * @param seed a whole number in 0 … 2^53 − 1
   * @throws PixtapeError on any other
   */
  constructor(device: Device, seed: number, part: Part = { rank: 0, count: 1 }) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new PixtapeError(`the seed is ${seed}; it must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
    }
    this.device = device;
    this.seed = seed;
    this.part = part;
    this.key = device.persistent(16, 'random key', 'f32', { uniform: true });
  }

  /**
   * Sets the number of the next run's step, to continue a saved run. Without it the first run is step 0.
   * @throws PixtapeError if it is not a whole number of at least 0
   */
  setStep(step: number): void {
    if (!Number.isSafeInteger(step) || step < 0)
      throw new PixtapeError(`Rng: step ${step}; steps are whole numbers from 0`);
    this.step = step;
  }

  /** The next layer number of the program that is being recorded: 0, 1, 2 … Each run of it takes the next step. */
  nextLayer(): number {
    const program = currentProgram(this.device);
    if (!this.programs.has(program)) {
      this.programs.add(program);
      program.beforeRun(() => {
        this.device.write(this.key, Uint32Array.of(...words(this.seed), ...words(this.step++)));
      });
    }
    return program.callIndex('dropout');
  }

  /** Frees its memory. */
  dispose(): void {
    this.device.dispose(this.key);
  }
}

const defaults = new WeakMap<Device, Rng>();

/** The random numbers of all layers without their own: one per device, with the device's seed. */
export function defaultRng(device: Device): Rng {
  let rng = defaults.get(device);
  if (!rng) {
    rng = new Rng(device, device.seed);
    defaults.set(device, rng);
  }
  return rng;
}

function words(n: number): [number, number] {
  return [n % 2 ** 32, Math.floor(n / 2 ** 32)];
}
