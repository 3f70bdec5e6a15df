import type { Device } from '../device.ts';
import { Storage, type StorageSlice } from '../storage.ts';

/**
 * Several storages in one buffer, so that one dispatch processes all of them. Each begins at a multiple of the device's
 * storage alignment. The padding in between has no meaning.
 */
export interface ArenaLayout {
  /** The offset of each storage, in bytes. */
  offsets: number[];
  bytes: number;
}

/** The alignment of a binding's offset, in bytes. */
export function storageUnit({ limits }: Device): number {
  return Math.max(limits.minStorageBufferOffsetAlignment, 4);
}

export function layOut(device: Device, sizes: readonly number[]): ArenaLayout {
  const unit = storageUnit(device);
  let bytes = 0;
  const offsets = sizes.map((size) => {
    const offset = bytes;
    bytes += Math.ceil(size / unit) * unit;
    return offset;
  });
  // The last one needs no padding.
  const last = sizes.at(-1) ?? 0;
  return { offsets, bytes: (offsets.at(-1) ?? 0) + Math.ceil(last / 4) * 4 };
}

/**
 * Moves persistent storages into one buffer, values included. Only storages that no program has bound yet can move.
 * @returns all of them as one storage; undefined if one cannot move, and then none has moved
 */
export function moveIntoArena(device: Device, storages: readonly Storage[], label: string): Storage | undefined {
  const { offsets, bytes } = layOut(
    device,
    storages.map((s) => s.bytes),
  );
  // With guards on, every tensor is followed by its own guard words.
  const fixed = storages.some((s) => !s.persistent || s.bound || s.arena || s.disposed || !s.buffer);
  if (device.guards || fixed || storages.length < 2 || bytes > device.limits.maxBufferSize) return undefined;
  const arena = device.persistent(bytes, label);
  const encoder = device.gpu.createCommandEncoder();
  const old = storages.map((storage, i) => {
    const from = storage.buffer as GPUBuffer;
    const size = Math.ceil(storage.bytes / 4) * 4;
    if (!storage.pending) encoder.copyBufferToBuffer(from, 0, arena.buffer as GPUBuffer, offsets[i] as number, size);
    return from;
  });
  device.gpu.queue.submit([encoder.finish()]);
  storages.forEach((storage, i) => {
    storage.buffer = arena.buffer;
    storage.offset = offsets[i] as number;
    storage.arena = arena;
    device.free(old[i] as GPUBuffer);
  });
  arena.tenants = storages.length;
  return arena;
}

/** Visits `bytes` of f32 at once, or in slices of n elements if they are more than a kernel can bind. */
export function eachSlice(
  device: Device,
  bytes: number,
  visit: (slice: (of: Storage) => Storage | StorageSlice, n: number) => void,
): void {
  const unit = device.limits.minStorageBufferOffsetAlignment;
  const most = Math.floor(device.bindingLimit / unit) * unit;
  for (let offset = 0; offset < bytes; offset += most) {
    const size = Math.min(most, bytes - offset);
    visit((storage) => (size === bytes ? storage : { storage, offset, size }), size / 4);
  }
}

/** A part of an arena as a storage of its own; freed with the arena. */
export function partOfArena(arena: Storage, offset: number, bytes: number, label: string): Storage {
  const part = new Storage(bytes, label, arena.dtype, { buffer: arena.buffer as GPUBuffer });
  part.offset = offset;
  part.arena = arena;
  arena.tenants++;
  return part;
}
