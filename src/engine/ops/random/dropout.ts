import dropoutSource from '../../../../shaders/random/dropout.wgsl';
import philox from '../../../../shaders/random/philox.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { defaultRng, type Rng } from './rng.ts';

const source = `${dropoutSource}\n${philox}`;

/** Dropout as part of another operation. */
export interface DropoutOptions {
  /** Probability of a 0, in [0, 1). */
  rate: number;
  /** By default the device's. */
  rng?: Rng | undefined;
}

/**
 * Element-wise dropout: each element is 0 with probability `rate`, and x / (1 − rate) otherwise. Any shape. Every call
 * within a program is a layer with its own mask, and each run has new masks. Rate 0 returns x itself. If x is part of a
 * batch (see `Rng.part`), its mask is that part of the batch's mask.
 *
 * Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
 * @throws PixtapeError if the rate is not in [0, 1)
 */
export function dropout(x: Tensor, rate: number, rng: Rng = defaultRng(x.device)): Tensor {
  checkRate(rate);
  if (rate === 0) return x;
  const layer = rng.nextLayer();
  return dropped(x, rate, rng, layer);
}

/** @throws PixtapeError if the rate is not in [0, 1) */
export function checkRate(rate: number): void {
  if (!(rate >= 0 && rate < 1)) throw new PixtapeError(`dropout: the rate is ${rate}; it must be in [0, 1)`);
}

/** Parameters of the shaders: an element is dropped if its random word is below the threshold. */
export function dropoutParams(rate: number): { threshold: number; factor: number } {
  return { threshold: Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1), factor: 1 / (1 - rate) };
}

/** Its gradient is the same operation, applied to dy. */
function dropped(x: Tensor, rate: number, rng: Rng, layer: number): Tensor {
  return differentiable(
    masked(x, rate, rng, layer, 'dropout'),
    [x],
    (dy) => [masked(dy, rate, rng, layer, 'dropout.dx')],
    (dy) => [dropped(dy, rate, rng, layer)],
  );
}

function masked(x: Tensor, rate: number, rng: Rng, layer: number, label: string): Tensor {
  const y = x.like(label);
  const { rank, count } = rng.part;
  const params = { n: x.size, layer, ...dropoutParams(rate), all: x.size * count, first: x.size * rank };
  const bindings = { key: rng.key, x, y };
  if (count === 1) dispatchElements(x.device.kernel('dropout', source), bindings, params, Math.ceil(x.size / 4));
  else dispatchElements(x.device.kernel('dropout.part', source, 'part'), bindings, params);
  return y;
}
