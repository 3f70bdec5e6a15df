import type { Device } from '../gpu/device.ts';
import type { Storage } from '../gpu/storage.ts';
import { PixtapeError } from '../util/errors.ts';
import type { TapeNode } from './autograd.ts';
import { recording } from './record.ts';

export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/**
 * A dense float32 array on the GPU, row-major (pictures are NCHW).
 *
 * A *leaf* (made by `Tensor.from` or `Tensor.zeros`) keeps its memory; the result of an operation belongs to the
 * program that is being recorded and has values only once that program has run.
 */
export class Tensor {
  readonly device: Device;
  readonly shape: Shape;
  readonly storage: Storage;
  /** Whether `backward` should work out a gradient for it. Set on leaves; results inherit it from their inputs. */
  requiresGrad: boolean;
  /** How it was made, if a gradient can flow back through it. */
  node: TapeNode | undefined;
  /** After `backward` in the same recording: the gradient of a leaf, of the same shape. */
  grad: Tensor | undefined;

  constructor(device: Device, shape: Shape, storage: Storage, requiresGrad = false) {
    this.device = device;
    this.shape = shape;
    this.storage = storage;
    this.requiresGrad = requiresGrad;
  }

  /** A leaf with these values, in row-major order. @throws PixtapeError if their number does not fit the shape. */
  static from(device: Device, shape: Shape, data: Float32Array | readonly number[], label = 'tensor'): Tensor {
    const tensor = Tensor.zeros(device, shape, label);
    tensor.write(data);
    return tensor;
  }

  /** A leaf full of zeros. */
  static zeros(device: Device, shape: Shape, label = 'tensor'): Tensor {
    checkShape(shape, label);
    return new Tensor(device, shape, device.persistent(sizeOf(shape) * 4, label));
  }

  /** A temporary of the program that is being recorded; its values are undefined until a kernel writes them all. */
  static temporary(device: Device, shape: Shape, label: string): Tensor {
    checkShape(shape, label);
    return new Tensor(device, shape, recording(device).virtual(sizeOf(shape) * 4, label));
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get label(): string {
    return this.storage.label;
  }

  /** A temporary with this tensor's shape. */
  like(label: string): Tensor {
    return Tensor.temporary(this.device, this.shape, label);
  }

  /** The same values, cut off from the tape: no gradient flows through it. */
  detach(): Tensor {
    return new Tensor(this.device, this.shape, this.storage);
  }

  /** Overwrites a leaf's values (in order with the programs submitted before and after). */
  write(data: Float32Array | readonly number[]): void {
    if (data.length !== this.size) {
      throw new PixtapeError(`${this.label} is [${this.shape}], ${this.size} values; ${data.length} were given`);
    }
    this.device.write(this.storage, data instanceof Float32Array ? data : Float32Array.from(data));
  }

  /** Copies the values back. Waits for what was submitted before. */
  async read(): Promise<Float32Array> {
    return (await this.device.read(this.storage)).subarray(0, this.size);
  }
}

function checkShape(shape: Shape, label: string): void {
  if (shape.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new PixtapeError(`${label}: the shape [${shape}] has a side that is not a whole number of at least 1`);
  }
}
