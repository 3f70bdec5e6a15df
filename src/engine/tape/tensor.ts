import type { Device } from '../gpu/device.ts';
import { bytesOf, type Dtype, type Storage } from '../gpu/storage.ts';
import { PixtapeError } from '../util/errors.ts';
import { fromHalf, toHalf } from '../util/half.ts';
import type { TapeNode } from './autograd.ts';
import { currentProgram } from './record.ts';

export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/**
 * A dense array on the GPU, row-major (pictures are NCHW): of float32 values, or, between the operations of a program of
 * precision f16, of values that are stored as halves and computed with as float32.
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
  static zeros(device: Device, shape: Shape, label = 'tensor', dtype: Dtype = 'f32'): Tensor {
    checkShape(shape, label);
    return new Tensor(device, shape, device.persistent(bytesOf(sizeOf(shape), dtype), label, dtype));
  }

  /** A temporary of the program that is being recorded; its values are undefined until a kernel writes them all. */
  static temporary(device: Device, shape: Shape, label: string, dtype: Dtype = 'f32'): Tensor {
    checkShape(shape, label);
    return new Tensor(device, shape, currentProgram(device).temporary(bytesOf(sizeOf(shape), dtype), label, dtype));
  }

  /** As `temporary`, in the precision of the program: for what a network passes on, from whatever it is computed. */
  static activation(device: Device, shape: Shape, label: string): Tensor {
    return Tensor.temporary(device, shape, label, currentProgram(device).precision);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get dtype(): Dtype {
    return this.storage.dtype;
  }

  get label(): string {
    return this.storage.label;
  }

  /** A temporary with this tensor's shape, stored in the same way. */
  like(label: string): Tensor {
    return Tensor.temporary(this.device, this.shape, label, this.dtype);
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
    const floats = data instanceof Float32Array ? data : Float32Array.from(data);
    this.device.write(this.storage, this.dtype === 'f16' ? wholeWords(toHalf(floats)) : floats);
  }

  /** Copies the values back. Waits for what was submitted before. */
  async read(): Promise<Float32Array> {
    const words = await this.device.read(this.storage);
    if (this.dtype === 'f32') return words.subarray(0, this.size);
    return fromHalf(new Uint16Array(words.buffer, words.byteOffset, this.size));
  }
}

/** Copies to the device are of whole words. */
function wholeWords(halves: Uint16Array): Uint16Array {
  if (halves.length % 2 === 0) return halves;
  const padded = new Uint16Array(halves.length + 1);
  padded.set(halves);
  return padded;
}

function checkShape(shape: Shape, label: string): void {
  if (shape.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new PixtapeError(`${label}: the shape [${shape}] has a side that is not a whole number of at least 1`);
  }
}
