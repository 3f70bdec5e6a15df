import type { Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';
import { Module } from './module.ts';

/** A module of one input and one output, or a plain operation such as `relu`. */
export type Layer = (Module & { forward(x: Tensor): Tensor }) | ((x: Tensor) => Tensor);

/**
 * Layers one after the other, as torch.nn.Sequential: `new Sequential(new Conv2d(device, 3, 8, 3), relu)`. Names in the
 * state dict are the layers' indices: `0.weight`, …
 */
export class Sequential extends Module {
  readonly #layers: readonly Layer[];

  /** @throws PixtapeError if one is neither a module with a `forward` nor a function */
  constructor(...layers: readonly Layer[]) {
    super();
    layers.forEach((layer, i) => {
      if (layer instanceof Module && typeof layer.forward === 'function') Object.assign(this, { [i]: layer });
      else if (typeof layer !== 'function') {
        throw new PixtapeError(`Sequential: layer ${i} is neither a module with a forward nor a function`);
      }
    });
    this.#layers = layers;
  }

  forward(x: Tensor): Tensor {
    return this.#layers.reduce((y, layer) => (layer instanceof Module ? layer.forward(y) : layer(y)), x);
  }
}
