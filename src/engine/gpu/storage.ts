/**
 * The type of a tensor's elements in memory. Kernels compute floats in f32, even if they store f16; only matrix units
 * multiply halves. Counts, indices and labels are u32 or i32.
 */
export type Dtype = 'f32' | 'f16' | 'u32' | 'i32';

/** The type of activations and their gradients in memory. */
export type Precision = 'f32' | 'f16';

/** Bytes after every tensor that no kernel may touch, on a device with guards. */
export const GUARD_BYTES = 256;

/** Bytes of this many elements, rounded up to whole words for bindings and copies. */
export function bytesOf(elements: number, dtype: Dtype): number {
  return dtype === 'f16' ? Math.ceil(elements / 2) * 4 : elements * 4;
}

/** The owner of a temporary: a recorded program, which gives it memory. */
export interface StorageOwner {
  readonly destroyed: boolean;
  /** Whether this temporary keeps its bytes after a run. */
  isRetained(storage: Storage): boolean;
}

/**
 * A range of GPU bytes. Persistent storage (parameters, inputs, optimizer state) owns its buffer from the start. A
 * temporary belongs to one recorded program, which gives it a range of a buffer when it is compiled. Temporaries whose
 * lifetimes do not overlap share bytes.
 */
export class Storage {
  readonly bytes: number;
  readonly label: string;
  readonly dtype: Dtype;
  /** The program that a temporary belongs to; undefined for persistent storage. */
  readonly owner: StorageOwner | undefined;
  /** The real buffer; undefined for a temporary before its program is compiled, and for storage that was disposed. */
  buffer: GPUBuffer | undefined;
  /** Its offset in the buffer, which may hold others. */
  offset = 0;
  /** The storage that it is permanently a part of, if any. */
  arena: Storage | undefined;
  /** For an arena: its parts that are not disposed yet. */
  tenants = 0;
  /** Whether a program has bound it, so that it can no longer move. */
  bound = false;
  /** Makes the initial values, which are written when something first needs them. */
  pending: (() => ArrayBufferView) | undefined;
  disposed = false;

  constructor(bytes: number, label: string, dtype: Dtype, from: { buffer: GPUBuffer } | { owner: StorageOwner }) {
    this.bytes = bytes;
    this.label = label;
    this.dtype = dtype;
    this.owner = 'owner' in from ? from.owner : undefined;
    this.buffer = 'buffer' in from ? from.buffer : undefined;
  }

  get persistent(): boolean {
    return this.owner === undefined;
  }
}

/** Part of a storage, bytes [offset, offset + size); the offset is a multiple of the device's storage alignment. */
export interface StorageSlice {
  storage: Storage;
  offset: number;
  size: number;
}

/** The place of a storage: itself, or an offset in one that holds several. */
export interface Place {
  base: Storage;
  offset: number;
}

export type Bindable = Storage | StorageSlice;

export function asSlice(b: Bindable): StorageSlice {
  return b instanceof Storage ? { storage: b, offset: 0, size: b.bytes } : b;
}
