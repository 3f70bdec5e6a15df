import type { Device } from '../../gpu/device.ts';
import type { Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../../tape/record.ts';
import { PixtapeError } from '../../util/errors.ts';

/**
 * The key of a program's random numbers: (seed, step). They are not drawn from a stream but worked out from the key,
 * the number of the layer and the number of the element, so nothing needs to be stored between forward and backward,
 * and a step can be repeated at any time.
 */
export class Rng {
  readonly device: Device;
  readonly seed: number;
  /** Four words: seed lo, seed hi, step lo, step hi. */
  readonly key: Storage;

  /**
   * @param seed a whole number in 0 … 2^53 − 1
   * @throws PixtapeError on any other
   */
  constructor(device: Device, seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new PixtapeError(`the seed is ${seed}; it must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
    }
    this.device = device;
    this.seed = seed;
    this.key = device.persistent(16, 'random key');
    this.setStep(0);
  }

  /** Says which step the next run is: each has its own numbers. `step` ≥ 0; 0 until somebody says otherwise. */
  setStep(step: number): void {
    if (!Number.isSafeInteger(step) || step < 0)
      throw new Error(`Rng: step ${step} is not a whole number of at least 0`);
    this.device.write(this.key, Uint32Array.of(...words(this.seed), ...words(step)));
  }

  /** The next layer number of the program that is being recorded: 0, 1, 2 … */
  nextLayer(): number {
    return currentProgram(this.device).callIndex('dropout');
  }
}

function words(n: number): [number, number] {
  return [n % 2 ** 32, Math.floor(n / 2 ** 32)];
}
