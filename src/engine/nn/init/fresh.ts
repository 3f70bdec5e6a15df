import type { Device } from '../../gpu/device.ts';
import { type Shape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { RandomStream } from '../../util/random.ts';

/** The random stream of layers' initial values; pix2pix/data/sets/batches.ts lists the others. */
const LAYERS = 301;

/**
 * Draws a layer's initial values as PyTorch does. They are drawn when something first needs them, so that a network
 * whose weights are loaded never pays for it.
 */
export class Fresh {
  private readonly device: Device;
  private readonly seed: number;
  private readonly layer: number;
  private tensors = 0;

  /** @param seed of this layer alone; by default the device's seed and the number of layers made on it so far */
  constructor(device: Device, seed?: number) {
    this.device = device;
    this.seed = seed ?? device.seed;
    this.layer = seed === undefined ? device.nextStream() : 0;
  }

  /** U(−bound, bound). */
  uniform(shape: Shape, label: string, bound: number): Tensor {
    return this.drawn(shape, label, (random) => bound * (2 * random.uniform() - 1));
  }

  /** N(0, deviation²). */
  normal(shape: Shape, label: string, deviation: number): Tensor {
    return this.drawn(shape, label, (random) => deviation * random.normal());
  }

  private drawn(shape: Shape, label: string, next: (random: RandomStream) => number): Tensor {
    const random = new RandomStream(this.seed, LAYERS + this.tensors++, this.layer);
    return Tensor.lazy(this.device, shape, label, () => draw(sizeOf(shape), () => next(random)));
  }
}

export function draw(size: number, next: () => number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = next();
  return values;
}
