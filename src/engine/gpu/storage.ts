/** What the elements of a tensor are stored as. Whatever is no tensor of floats counts as f32: words of 32 bits. */
export type Dtype = 'f32' | 'f16';

/** Bytes of so many elements; whole words, as bindings and copies have to be. */
export function bytesOf(elements: number, dtype: Dtype): number {
  return dtype === 'f16' ? Math.ceil(elements / 2) * 4 : elements * 4;
}

/**
 * A run of GPU bytes. `persistent` storage (parameters, inputs, optimiser state) owns its buffer from the start;
 * virtual storage belongs to one recorded program, and the planner gives it memory, shared with others whose time
 * does not overlap, when the program is compiled.
 */
export class Storage {
  readonly bytes: number;
  readonly label: string;
  readonly persistent: boolean;
  readonly dtype: Dtype;
  /** The real buffer; undefined for virtual storage until its program has been planned. */
  buffer: GPUBuffer | undefined;

  constructor(bytes: number, label: string, buffer?: GPUBuffer, dtype: Dtype = 'f32') {
    this.bytes = bytes;
    this.label = label;
    this.persistent = buffer !== undefined;
    this.buffer = buffer;
    this.dtype = dtype;
  }
}

/** Part of a storage, bytes [offset, offset + size); the offset a multiple of the device's storage alignment. */
export interface StorageSlice {
  storage: Storage;
  offset: number;
  size: number;
}

export type Bindable = Storage | StorageSlice;

export function asSlice(b: Bindable): StorageSlice {
  return b instanceof Storage ? { storage: b, offset: 0, size: b.bytes } : b;
}
