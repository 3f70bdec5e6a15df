/**
 * A run of GPU bytes. `persistent` storage (parameters, inputs, optimiser state) owns its buffer from the start;
 * virtual storage belongs to one recorded program, and the planner gives it memory, shared with others whose time
 * does not overlap, when the program is compiled.
 */
export class Storage {
  readonly bytes: number;
  readonly label: string;
  readonly persistent: boolean;
  /** The real buffer; undefined for virtual storage until its program has been planned. */
  buffer: GPUBuffer | undefined;

  constructor(bytes: number, label: string, buffer?: GPUBuffer) {
    this.bytes = bytes;
    this.label = label;
    this.persistent = buffer !== undefined;
    this.buffer = buffer;
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
