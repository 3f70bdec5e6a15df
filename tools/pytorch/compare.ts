/**
 * Decides how far a result may be from PyTorch's. The tolerances are those of the fixture format. If float32 cannot
 * meet one, the measured noise of our own result is allowed on top, and no more.
 *
 * The limits of float32 were found with PyTorch alone: about 100 random fixtures of both initialisations, computed in
 * float64 (`make_fixtures.py --from FILE --dtype float64`) and in float32 by each of its two convolution back-ends.
 * - The gradient of a bias in front of a batch norm is zero. Float64 gives 1e-18 … 1e-14, float32 up to 3e-6 (3e-7 of
 *   the file's largest). That is rounding, which differs between programs, and Adam's first step follows its sign.
 * - At first the discriminator's logits hardly depend on the picture, so the gradients of its real and fake halves
 *   cancel to 1e-4 of either, or less. In its first blocks float32 is off float64 by 0.1 … 4 % in most files, by 100 %
 *   in some.
 * - If pixels under a max-pool differ by less than float32 resolves, rounding decides which of them gets the gradient.
 *   The same holds at the kinks of rectifiers. One such choice in a small picture moved a gradient of the generator by
 *   14 % from one back-end to the other.
 * - In a deep model a batch norm may see two or three values of a variance near its eps: `fake` was off by 3e-4.
 * - With a large learning rate (0.01) the losses diverge after a few steps: 2 % at the fifth, twofold at the seventh.
 * - Adam's first step is lr · g / (|g| + 1e-8). Where |g| is near 1e-8 or less, a gradient well within its tolerance
 *   moves the weight by more than 1e-6; if g is rounding and has another sign, by 2 · lr.
 */

/** A few samples measure the noise. This many times the largest is allowed in the norm of a tensor … */
const TENSOR_FACTOR = 8;
/** … and this many times in one element, which deviates further from the mean. */
const ELEMENT_FACTOR = 16;
/**
 * Largest size in PyTorch of a gradient that is noise in ours, as a share of the file's largest: float32 resolves no
 * less.
 */
const RESOLUTION = 2 ** -20;
const ADAM_EPS = 1e-8;

/** How one tensor compares. */
export interface Comparison {
  /** Largest absolute difference. */
  maxError: number;
  /** ‖ours − theirs‖ and ‖theirs‖. */
  off: number;
  norm: number;
  /** The difference in units of the tolerance; above 1 it fails. */
  errorRatio: number;
  /** Whether it passes only with the allowance for noise. */
  noisy: boolean;
}

/** How far the samples so far moved each tensor of an answer. */
export class Noise {
  private readonly largest = new Map<string, { norm: number; elements: Float32Array }>();

  /** Adds a sample: the same result, or a part of it, computed with other rounding. */
  add(plain: ReadonlyMap<string, Float32Array>, perturbed: ReadonlyMap<string, Float32Array>): void {
    for (const [name, other] of perturbed) {
      const values = plain.get(name);
      if (!values) throw new Error(`the plain answer lacks ${name}`);
      const moved = values.map((v, i) => Math.abs(v - (other[i] as number)));
      const before = this.largest.get(name);
      const size = Math.max(norm(moved), before?.norm ?? 0);
      before?.elements.forEach((v, i) => {
        moved[i] = Math.max(moved[i] as number, v);
      });
      this.largest.set(name, { norm: size, elements: moved });
    }
  }

  /** How far noise alone may move the whole tensor; 0 without samples. */
  ofTensor(name: string): number {
    return TENSOR_FACTOR * (this.largest.get(name)?.norm ?? 0);
  }

  /** How far noise alone may move each element. `alike`: the tensor's usual noise counts for all its elements. */
  ofElements(name: string, alike = true): (i: number) => number {
    const found = this.largest.get(name);
    if (!found) return () => 0;
    const usual = alike ? found.norm / Math.sqrt(found.elements.length) : 0;
    return (i) => ELEMENT_FACTOR * Math.max(found.elements[i] as number, usual);
  }
}

/** |ours − theirs| ≤ atol + rtol · |theirs| + noise(i), each value. */
export function compareOutputs(
  ours: Float32Array,
  theirs: Float32Array,
  { rtol, atol }: { rtol: number; atol: number },
  noise: (i: number) => number,
): Comparison {
  const allowed = (i: number) => atol + rtol * Math.abs(theirs[i] as number);
  const strict = worst(ours, theirs, allowed);
  const errorRatio = strict > 1 ? worst(ours, theirs, (i) => allowed(i) + noise(i)) : strict;
  return { ...distance(ours, theirs), errorRatio: errorRatio, noisy: strict > 1 && errorRatio <= 1 };
}

/** Relative L2 ≤ 1e-3; below 1e-7 of the file's largest gradient norm, 1e-3 of that; or what noise explains. */
export function compareGradient(ours: Float32Array, theirs: Float32Array, largest: number, noise: number): Comparison {
  const found = distance(ours, theirs);
  const bound = 1e-3 * Math.max(found.norm, 1e-7 * largest);
  const zero = isNoise(ours, theirs, largest, noise);
  const strict = ratio(found.off, bound);
  const errorRatio = ratio(found.off, zero ? noise + RESOLUTION * largest : Math.max(bound, noise));
  return { ...found, errorRatio: Math.min(strict, errorRatio), noisy: strict > 1 && errorRatio <= 1 };
}

/** Whether a gradient is numerically zero: ours does not exceed its noise, and theirs is tiny. */
function isNoise(ours: Float32Array, theirs: Float32Array, largest: number, noise: number): boolean {
  return norm(ours) <= noise && norm(theirs) <= RESOLUTION * largest;
}

/**
 * Compares a weight after Adam's first step: rtol 1e-4, atol 1e-6. The gradients are judged by themselves, so the effect of
 * their difference on the step may be subtracted first. That is allowed only where a gradient is numerically zero (2 · lr at
 * most) or within a few times Adam's eps of zero. The step itself is never excused.
 */
export function compareWeight(ours: StepOfWeight, theirs: StepOfWeight, lr: number): Comparison {
  const step = (g: number) => (lr * g) / (Math.abs(g) + ADAM_EPS);
  const allowed = (i: number) => 1e-6 + 1e-4 * Math.abs(theirs.after[i] as number);
  const strict = worst(ours.after, theirs.after, allowed);
  const found = { ...distance(ours.after, theirs.after), errorRatio: strict, noisy: false };
  if (strict <= 1) return found;
  const explained = ours.after.map((w, i) => {
    const less = w + step(ours.gradient[i] as number) - step(theirs.gradient[i] as number);
    const want = theirs.after[i] as number;
    return Math.abs(less - want) < Math.abs(w - want) ? less : w;
  });
  const errorRatio = worst(explained, theirs.after, allowed);
  return { ...found, errorRatio: errorRatio, noisy: errorRatio <= 1 };
}

/** A weight after a step, and the gradient that moved it. */
export interface StepOfWeight {
  after: Float32Array;
  gradient: Float32Array;
}

/** Compares counters, which must be equal. */
export function compareExact(ours: Float32Array, theirs: Float32Array): Comparison {
  return { ...distance(ours, theirs), errorRatio: worst(ours, theirs, () => 0), noisy: false };
}

export function norm(values: Float32Array): number {
  let sum = 0;
  for (const v of values) sum += v * v;
  return Math.sqrt(sum);
}

function distance(ours: Float32Array, theirs: Float32Array): Pick<Comparison, 'maxError' | 'off' | 'norm'> {
  let maxError = 0;
  let squares = 0;
  theirs.forEach((want, i) => {
    const off = Math.abs((ours[i] as number) - want);
    maxError = Math.max(maxError, off);
    squares += off * off;
  });
  return { maxError, off: Math.sqrt(squares), norm: norm(theirs) };
}

/** The largest difference in units of the tolerance. */
function worst(ours: Float32Array, theirs: Float32Array, allowed: (i: number) => number): number {
  let most = 0;
  theirs.forEach((want, i) => {
    most = Math.max(most, ratio(Math.abs((ours[i] as number) - want), allowed(i)));
  });
  return most;
}

/** Returns infinity for NaN, so that it never passes. */
function ratio(off: number, allowed: number): number {
  if (off === 0) return 0;
  const value = off / allowed;
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
}
