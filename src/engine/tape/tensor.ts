import type { Device } from '../gpu/device.ts';
import type { Program } from '../gpu/program.ts';
import { bytesOf, type Dtype, type Storage } from '../gpu/storage.ts';
import { PixtapeError } from '../util/errors.ts';
import { fromHalf, toHalf } from '../util/half.ts';
import { currentProgram, programBeingRecorded } from './current.ts';

export type Shape = readonly number[];

/** Values for a tensor, in row-major order. Typed arrays of any kind of number are accepted. */
export type Values =
  | Float32Array
  | Float64Array
  | Uint32Array
  | Int32Array
  | Uint16Array
  | Int16Array
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | readonly number[];

/** The role of a tensor in its module: learnt, a running statistic, or a count of steps. */
export type StateKind = 'parameter' | 'buffer' | 'counter';

/**
 * How a tensor was made. Reverse-mode differentiation walks along these nodes (as in micrograd, but over tensors): each
 * node knows its inputs, and how to turn the gradient of its result into theirs.
 */
export interface TapeNode {
  inputs: readonly Tensor[];
  /** Which inputs asked for a gradient at record time, so that unfreezing a weight later does not add one. */
  needs: readonly boolean[];
  /** The position on the tape: an operation comes after everything that it used. */
  order: number;
  /** The operation's name, for errors. */
  label: string;
  backward: Backward;
  /** The same gradients written with differentiable operations; undefined if there is no second derivative. */
  differentiableBackward: Backward | undefined;
}

/**
 * Records the backward pass of one operation. `dy` is the gradient of its result. Returns one gradient per input, in
 * order. Where `needs[i]` is false, nothing uses the i-th: return undefined and save the work.
 */
export type Backward = (dy: Tensor, needs: readonly boolean[]) => readonly (Tensor | undefined)[];

export function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/**
 * A dense array on the GPU, row-major (pictures are NCHW). It holds float32 values or whole numbers (u32, i32). In a
 * program of precision f16, operations also pass on values stored as halves and computed with as float32.
 *
 * A *leaf* (made by `Tensor.from`, `Tensor.zeros` and the like) keeps its memory until `dispose`. The result of an
 * operation belongs to the program that is being recorded, and has values only once that program has run.
 */
export class Tensor {
  readonly device: Device;
  readonly shape: Shape;
  readonly storage: Storage;
  /** Whether `backward` computes a gradient for it. Set on leaves; results inherit it from their inputs. */
  requiresGrad: boolean;
  /** Its role in the module that holds it; see `parameter` and `buffer`. */
  kind: StateKind | undefined;
  /** How it was made, if a gradient can flow back through it. */
  node: TapeNode | undefined;
  /** How often it is an input of operations on the tape. */
  users = 0;
  private gradient: { program: Program | undefined; value: Tensor } | undefined;

  constructor(device: Device, shape: Shape, storage: Storage, requiresGrad = false) {
    this.device = device;
    this.shape = shape;
    this.storage = storage;
    this.requiresGrad = requiresGrad;
  }

  /**
   * Makes a leaf with these values, in row-major order. `Uint32Array` and `Int32Array` make tensors of whole numbers.
   * @throws PixtapeError if their number does not fit the shape, or they are not numbers
   */
  static from(device: Device, shape: Shape, values: Values, label = 'tensor'): Tensor {
    const dtype = values instanceof Uint32Array ? 'u32' : values instanceof Int32Array ? 'i32' : 'f32';
    const tensor = Tensor.zeros(device, shape, label, dtype);
    tensor.write(values);
    return tensor;
  }

  /** Makes a leaf of zeros. */
  static zeros(device: Device, shape: Shape, label = 'tensor', dtype: Dtype = 'f32'): Tensor {
    checkShape(shape, label);
    return new Tensor(device, shape, device.persistent(bytesOf(sizeOf(shape), dtype), label, dtype));
  }

  /**
   * Makes a leaf whose initial values `make` computes when something first needs them; never, if they are overwritten
   * before.
   */
  static lazy(device: Device, shape: Shape, label: string, make: () => Float32Array): Tensor {
    const tensor = Tensor.zeros(device, shape, label);
    tensor.storage.pending = () => {
      const values = make();
      checkValues(tensor, values);
      return values;
    };
    return tensor;
  }

  /**
   * Makes a temporary of the program that is being recorded. Its values are undefined until a kernel writes them all.
   */
  static temporary(device: Device, shape: Shape, label: string, dtype: Dtype = 'f32'): Tensor {
    checkShape(shape, label);
    return new Tensor(device, shape, currentProgram(device).temporary(bytesOf(sizeOf(shape), dtype), label, dtype));
  }

  /** Like `temporary`, but stored in the program's precision: for results that a network passes on. */
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

  /**
   * The gradient of a leaf, of the same shape, after `backward` in the same recording. Gradients belong to a program:
   * each recording begins without any. To read one after a run, return it from the recorded function.
   */
  get grad(): Tensor | undefined {
    const [now, { program, value } = {}] = [programBeingRecorded(), this.gradient];
    // A gradient that was set by hand, outside a recording, is valid in all recordings.
    return !now || !program || program === now ? value : undefined;
  }

  set grad(value: Tensor | undefined) {
    this.gradient = value && { program: programBeingRecorded(), value };
  }

  /** Makes a temporary of this tensor's shape and dtype. */
  like(label: string): Tensor {
    return Tensor.temporary(this.device, this.shape, label, this.dtype);
  }

  /** The same values without the tape: no gradient flows through it. */
  detach(): Tensor {
    return new Tensor(this.device, this.shape, this.storage);
  }

  /**
   * Overwrites a leaf's values (in order with the programs submitted before and after).
   * @throws PixtapeError if their number is not the tensor's, or its dtype cannot hold them
   */
  write(values: Values): void {
    checkValues(this, values);
    this.device.write(this.storage, encode(values, this.dtype));
  }

  /**
   * Copies the values back. Waits for what was submitted before.
   * @throws PixtapeError if they are whole numbers (see `readIntegers`), or if the tensor is a temporary whose memory
   *   was reused
   */
  async read(): Promise<Float32Array> {
    if (this.dtype === 'u32' || this.dtype === 'i32') {
      throw new PixtapeError(`${this.label} holds ${this.dtype}, not floats`, 'Use readIntegers().', {
        code: 'misuse',
      });
    }
    const { buffer, byteOffset } = await this.device.read(this.storage);
    if (this.dtype === 'f16') return fromHalf(new Uint16Array(buffer, byteOffset, this.size));
    return new Float32Array(buffer, byteOffset, this.size);
  }

  /** Like `read`, for a tensor of whole numbers. */
  async readIntegers(): Promise<Uint32Array | Int32Array> {
    if (this.dtype === 'f32' || this.dtype === 'f16') {
      throw new PixtapeError(`${this.label} holds floats`, 'Use read().', { code: 'misuse' });
    }
    const { buffer, byteOffset } = await this.device.read(this.storage);
    if (this.dtype === 'u32') return new Uint32Array(buffer, byteOffset, this.size);
    return new Int32Array(buffer, byteOffset, this.size);
  }

  /** Frees a leaf's memory. It can no longer be used, and programs that use it can no longer run. */
  dispose(): void {
    this.device.dispose(this.storage);
  }
}

/** @throws PixtapeError on values that would be written as other numbers: undefined as NaN, −1 as 2³² − 1, 1.5 as 1 */
function checkValues({ label, dtype, size, shape }: Tensor, values: Values): void {
  const typed = ArrayBuffer.isView(values) && 'length' in values && typeof Object(values)[0] !== 'bigint';
  if (!typed && !Array.isArray(values)) {
    throw new PixtapeError(
      `${label}: the values are ${shown(values)}; they must be numbers in an array or a typed array`,
      'They come in row-major order. Write [1] for a single one.',
    );
  }
  if (values.length !== size) {
    const flat = (values as readonly unknown[]).some(Array.isArray)
      ? 'Flatten nested arrays: values.flat(2).'
      : undefined;
    throw new PixtapeError(`${label} is [${shape}], ${size} values; ${values.length} were given`, flat);
  }
  const Cell = dtype === 'u32' ? Uint32Array : dtype === 'i32' ? Int32Array : Float64Array;
  if (typed && (values instanceof Cell || Cell === Float64Array)) return;
  const cell = new Cell(1);
  for (let i = 0; i < size; i++) {
    const value: unknown = values[i];
    if (typeof value === 'number') {
      cell[0] = value;
      // NaN equals itself only by `is`, and −0 equals 0 only by `===`.
      if (cell[0] === value || Object.is(cell[0], value)) continue;
    }
    throw new PixtapeError(
      `${label} holds ${dtype}; value ${i} is ${shown(value)}`,
      Array.isArray(value) ? 'Flatten nested arrays: values.flat(2).' : undefined,
    );
  }
}

/** A value as an error shows it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return String(value);
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function encode(values: Values, dtype: Dtype): ArrayBufferView {
  if (dtype === 'u32') return values instanceof Uint32Array ? values : Uint32Array.from(values);
  if (dtype === 'i32') return values instanceof Int32Array ? values : Int32Array.from(values);
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  return dtype === 'f16' ? wholeWords(toHalf(floats)) : floats;
}

/** Copies to the device are in whole words. */
function wholeWords(halves: Uint16Array): Uint16Array {
  if (halves.length % 2 === 0) return halves;
  const padded = new Uint16Array(halves.length + 1);
  padded.set(halves);
  return padded;
}

function checkShape(shape: Shape, label: string): void {
  if (!Array.isArray(shape)) {
    throw new PixtapeError(
      `${label}: the shape is ${JSON.stringify(shape)}; it must be a list of its sides, as in [2, 3]`,
    );
  }
  if (shape.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new PixtapeError(`${label}: the shape [${shape}] has a side that is not a whole number of at least 1`);
  }
}
