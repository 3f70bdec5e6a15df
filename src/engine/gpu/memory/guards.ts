import { type Dispatch, storagesOf } from '../bind.ts';
import type { Device } from '../device.ts';
import { GUARD_BYTES, type Storage } from '../storage.ts';

/** The word that fills the guards after every tensor. If it changes, a kernel wrote out of bounds. */
const GUARD_WORD = 0x7fc0dead;

const start = ({ offset, bytes }: Storage) => offset + Math.ceil(bytes / 4) * 4;

function guarded(dispatches: readonly Dispatch[]): Storage[] {
  const touched = new Set(dispatches.flatMap((d) => storagesOf(d).map(({ slice }) => slice.storage)));
  return [...touched].filter((s) => s.buffer && s.buffer.size >= start(s) + GUARD_BYTES);
}

export function writeGuards(device: Device, dispatches: readonly Dispatch[]): void {
  const words = new Uint32Array(GUARD_BYTES / 4).fill(GUARD_WORD);
  for (const s of guarded(dispatches)) device.gpu.queue.writeBuffer(s.buffer as GPUBuffer, start(s), words);
}

/** The labels of the tensors whose guard words were overwritten. */
export async function brokenGuards(device: Device, dispatches: readonly Dispatch[]): Promise<string[]> {
  const broken: string[] = [];
  for (const s of guarded(dispatches)) {
    const words = await device.readBytes(s.buffer as GPUBuffer, start(s), GUARD_BYTES);
    if (new Uint32Array(words.buffer).some((w) => w !== GUARD_WORD)) broken.push(s.label);
  }
  return broken;
}
