import { PixtapeError } from '../../util/errors.ts';
import { type Dispatch, storagesOf } from '../bind.ts';
import type { Device } from '../device.ts';
import { GUARD_BYTES, type Place, type Storage } from '../storage.ts';
import { layOut, storageUnit } from './arena.ts';
import { type Lifetime, type MemoryPlan, planMemory } from './plan.ts';

/** The temporaries of one program, and the memory that they get when it is compiled. */
export class Temporaries {
  /** Storage that the dispatches use but the program does not own: leaves, and outputs of other programs. */
  readonly externals = new Set<Storage>();
  readonly retained = new Set<Storage>();
  private readonly all: Storage[] = [];
  /** The dispatch up to which a storage keeps its memory, even if its last use is earlier. */
  private readonly held = new Map<Storage, number>();
  /** Temporaries that are parts of a larger one: which, and at what offset. */
  private readonly parts = new Map<Storage, { whole: Storage; offset: number }>();

  add(storage: Storage): Storage {
    this.all.push(storage);
    return storage;
  }

  /** Keeps the storage's memory up to a dispatch. */
  hold(storage: Storage, until: number): void {
    this.held.set(storage, Math.max(until, this.held.get(storage) ?? 0));
  }

  /**
   * The storage that these dispatches read. WebGPU refuses a dispatch that reads one part of a buffer and writes
   * another.
   */
  readBy(dispatches: readonly Dispatch[]): Set<Storage> {
    const read = new Set<Storage>();
    for (const d of dispatches) {
      for (const { access, slice } of storagesOf(d)) if (access === 'read') read.add(slice.storage);
    }
    return read;
  }

  /** Whether it is one of these temporaries, and not part of another one. */
  isUnplaced(storage: Storage): boolean {
    return this.all.includes(storage) && !this.parts.has(storage);
  }

  placeOf(storage: Storage): Place {
    const part = this.parts.get(storage);
    return part ? { base: part.whole, offset: part.offset } : { base: storage, offset: 0 };
  }

  /** Places temporaries in `whole` by an arena's layout. */
  colocate(device: Device, storages: readonly Storage[], whole: Storage): void {
    const { offsets } = layOut(
      device,
      storages.map((s) => s.bytes),
    );
    storages.forEach((storage, i) => {
      this.parts.set(storage, { whole, offset: offsets[i] as number });
    });
  }

  /** Plans memory for everything that the dispatches use, and allocates it. */
  async allocate(device: Device, dispatches: readonly Dispatch[]): Promise<{ plan: MemoryPlan; buffers: GPUBuffer[] }> {
    const used = this.lifetimes(dispatches);
    const { guards, limits } = device;
    const plan = planMemory(
      used.map((u) => u.life),
      { apart: this.apart(used, dispatches), unit: storageUnit(device), largest: limits.maxBufferSize },
    );
    const slots = guards ? used.map((u) => u.life.bytes + GUARD_BYTES) : plan.slotBytes;
    const buffers = await device.allocate(slots, 'temporaries');
    used.forEach(({ storage }, i) => {
      storage.buffer = buffers[guards ? i : (plan.slot[i] as number)];
      storage.offset = guards ? 0 : (plan.offset[i] as number);
    });
    for (const [part, { whole, offset }] of this.parts) {
      part.buffer = whole.buffer;
      part.offset = whole.offset + offset;
    }
    return { plan, buffers };
  }

  /** Pairs of indices into `used` of which a dispatch reads one and writes the other. */
  private apart(used: readonly { storage: Storage }[], dispatches: readonly Dispatch[]): [number, number][] {
    const indices = new Map(used.map(({ storage }, i) => [storage, i]));
    return dispatches.flatMap((d) => {
      const uses = storagesOf(d).flatMap(({ access, slice }) => {
        const index = indices.get(this.placeOf(slice.storage).base);
        return index === undefined ? [] : [{ access, index }];
      });
      const [read, written] = (['read', 'read_write'] as const).map((access) => {
        return uses.filter((use) => use.access === access).map(({ index }) => index);
      });
      return (read ?? []).flatMap((a) => (written ?? []).map((b): [number, number] => [a, b]));
    });
  }

  private lifetimes(dispatches: readonly Dispatch[]): { storage: Storage; life: Lifetime }[] {
    const own = new Set(this.all);
    const lives = new Map<Storage, Lifetime>();
    dispatches.forEach((d, at) => {
      for (const { access, slice } of storagesOf(d)) {
        if (!own.has(slice.storage)) {
          this.addExternal(slice.storage, d.kernel.label);
          continue;
        }
        const { base: storage } = this.placeOf(slice.storage);
        const life = lives.get(storage);
        if (life) life.last = at;
        else if (access === 'read') {
          throw new Error(`${d.kernel.label} reads ${slice.storage.label} before anything has written it`);
        } else lives.set(storage, { bytes: Math.ceil(storage.bytes / 4) * 4, first: at, last: at });
      }
    });
    for (const [storage, until] of this.held) {
      const life = lives.get(this.placeOf(storage).base);
      if (life) life.last = Math.max(life.last, until);
    }
    for (const storage of this.retained) {
      const life = lives.get(this.placeOf(storage).base);
      if (life) life.last = dispatches.length;
    }
    return this.all.flatMap((storage) => {
      const life = lives.get(storage);
      return life ? [{ storage, life }] : [];
    });
  }

  private addExternal(storage: Storage, label: string): void {
    if (storage.owner && !storage.owner.isRetained(storage)) {
      throw new PixtapeError(
        `${label} uses ${storage.label}, a temporary of another program`,
        'Return it from the function that you gave to that record(), or compute it in this one.',
        { code: 'misuse' },
      );
    }
    this.externals.add(storage);
  }
}

/** Bytes of an arena of these storages. */
export function bytesTogether(device: Device, storages: readonly Storage[]): number {
  return layOut(
    device,
    storages.map((s) => s.bytes),
  ).bytes;
}
