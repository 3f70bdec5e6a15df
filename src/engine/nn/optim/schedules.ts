import {
  aNumber,
  aWholeNumber,
  checkArguments,
  checkOptions,
  either,
  optional,
  type Rule,
} from '../../ops/arguments.ts';

const aRate = aNumber({ least: 0, finite: true });
const someSteps: Rule = { wanted: 'a number above 0', fits: (value) => aRate.fits(value) && (value as number) > 0 };
const aSchedule: Rule = { wanted: 'a schedule', fits: (value) => typeof value === 'function' };

/**
 * A learning rate as a function of the step, counted from 1: `new Adam(device, params, { lr: cosine(1e-3, 10_000) })`.
 */
export type Schedule = (step: number) => number;

/** `lr` for `keep` steps, then a linear decay to 0 over `decay` more. */
export function linearDecay(lr: number, keep: number, decay: number): Schedule {
  checkArguments('linearDecay', { lr: aRate, keep: aNumber({ finite: true }), decay: aRate }, { lr, keep, decay });
  return (step) => lr * Math.min(1, Math.max(0, 1 - (step - 1 - keep) / Math.max(1, decay)));
}

/** Multiplies `lr` by `gamma` after every `size` steps. */
export function stepDecay(lr: number, size: number, gamma = 0.1): Schedule {
  checkArguments('stepDecay', { lr: aRate, size: someSteps, gamma: aRate }, { lr, size, gamma });
  return (step) => lr * gamma ** Math.floor((step - 1) / size);
}

/**
 * Half a cosine from `lr` to `least` over `steps`, then constant at `least`.
 * Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts".
 */
export function cosine(lr: number, steps: number, least = 0): Schedule {
  checkArguments('cosine', { lr: aRate, steps: someSteps, least: aRate }, { lr, steps, least });
  return (step) => least + ((lr - least) * (1 + Math.cos(Math.PI * Math.min(1, (step - 1) / steps)))) / 2;
}

/** A linear warm-up from 0 over the first `steps`, then `schedule`. */
export function warmup(schedule: Schedule | number, steps: number): Schedule {
  checkArguments('warmup', { schedule: either(aRate, aSchedule), steps: someSteps }, { schedule, steps });
  const after = typeof schedule === 'number' ? () => schedule : schedule;
  return (step) => after(step) * Math.min(1, step / steps);
}

export interface PlateauOptions {
  /** The factor by which the rate falls; by default 0.1. */
  factor?: number;
  /** How many measurements without an improvement are tolerated; by default 10. */
  patience?: number;
  /** The smallest improvement that counts, relative to the best; by default 1e-4. */
  threshold?: number;
  /** The lower bound of the rate; by default 0. */
  least?: number;
}

const PLATEAU = {
  factor: optional(aNumber({ least: 0, most: 1 })),
  patience: optional(aWholeNumber(0)),
  threshold: optional(aNumber({ least: 0, most: 1 })),
  least: optional(aRate),
};

/** The state of a `Plateau`. */
export interface PlateauState {
  lr: number;
  /** The best measurement; infinite before the first. */
  best: number;
  /** Measurements without an improvement since then. */
  bad: number;
}

/**
 * Lowers a rate when a measurement (smaller is better) stops improving, as torch.optim.lr_scheduler.ReduceLROnPlateau.
 */
export class Plateau {
  lr: number;
  private best = Number.POSITIVE_INFINITY;
  private bad = 0;
  private readonly options: Required<PlateauOptions>;

  /** @throws PixtapeError if an option is unknown or out of its range */
  constructor(lr: number, options: PlateauOptions = {}) {
    const { factor = 0.1, patience = 10, threshold = 1e-4, least = 0 } = options;
    checkArguments('Plateau', { lr: aRate }, { lr });
    checkOptions('Plateau', PLATEAU, options);
    this.lr = lr;
    this.options = { factor, patience, threshold, least };
  }

  /** Takes a measurement and returns the rate from now on: `adam.lr = plateau.observe(loss)`. */
  observe(value: number): number {
    const { factor, patience, threshold, least } = this.options;
    if (value < this.best * (1 - threshold)) {
      this.best = value;
      this.bad = 0;
    } else if (++this.bad > patience) {
      this.lr = Math.max(least, this.lr * factor);
      this.bad = 0;
    }
    return this.lr;
  }

  /** Everything that `restore` needs to continue, in a later process, too. */
  state(): PlateauState {
    const { lr, best, bad } = this;
    return { lr, best, bad };
  }

  restore({ lr, best, bad }: PlateauState): void {
    Object.assign(this, { lr, best, bad });
  }
}
