import { PixtapeError } from '../util/errors.ts';
import { layOut } from './arena.ts';
import type { Device } from './device.ts';
import type { Kernel } from './kernel.ts';
import { type Lifetime, type MemoryPlan, planMemory } from './plan.ts';
import {
  asSlice,
  type Bindable,
  type Dtype,
  GUARD_BYTES,
  type Precision,
  Storage,
  type StorageOwner,
  type StorageSlice,
} from './storage.ts';
import type { ShaderBinding } from './wgsl.ts';

export type Workgroups = readonly [x: number, y?: number, z?: number];

interface Dispatch {
  kernel: Kernel;
  /** One per storage binding of the kernel, in its order; uniform bindings other than `p` come here too. */
  slices: (StorageSlice | 'params')[];
  params: Uint8Array | undefined;
  groups: [number, number, number];
}

/** What the dispatches of a program were, for the bench and for tests. */
export interface DispatchTiming {
  label: string;
  milliseconds: number;
}

const GUARD_WORD = 0x7fc0dead;

/**
 * A list of dispatches over virtual buffers, recorded once and replayed with one submit. While it is being recorded,
 * `dispatch` only notes what to run; `compile` compiles the kernels, plans memory and makes the bind groups.
 */
export class Program implements StorageOwner {
  readonly device: Device;
  /** Storage dtype of activations and their gradients; see `record`. */
  readonly precision: Precision;
  /** Whether `destroy` was called. */
  destroyed = false;
  plan: MemoryPlan | undefined;
  private readonly dispatches: Dispatch[] = [];
  private readonly temporaries: Storage[] = [];
  private readonly retained = new Set<Storage>();
  /** Temporaries that lie in one buffer with others: which, and where. */
  private readonly parts = new Map<Storage, { whole: Storage; offset: number }>();
  private readonly buffers: GPUBuffer[] = [];
  private bindGroups: GPUBindGroup[] = [];
  private readonly hooks: (() => void)[] = [];
  private readonly destroyHooks: (() => void)[] = [];
  /** What the dispatches use that is not the program's own: leaves, and outputs of other programs. */
  private readonly externals = new Set<Storage>();
  private counters = new Map<string, number>();

  constructor(device: Device, precision: Precision = 'f32') {
    this.device = device;
    this.precision = precision;
  }

  /** A temporary of this program: memory is found for it when the program is compiled. */
  temporary(bytes: number, label: string, dtype: Dtype = 'f32'): Storage {
    this.device.checkSize(bytes, label);
    const storage = new Storage(bytes, label, dtype, { owner: this });
    this.temporaries.push(storage);
    return storage;
  }

  /** Keeps a temporary's bytes readable after the run: its buffer is not given to anything recorded later. */
  retain(storage: Storage): void {
    if (storage.owner === this) this.retained.add(storage);
  }

  isRetained(storage: Storage): boolean {
    return this.retained.has(storage);
  }

  /**
   * Puts temporaries side by side in one buffer, so that one dispatch can go through all of them. Only those that have been
   * written and not read so far can be: WebGPU refuses to read one part of a buffer and write another in one dispatch.
   * @returns the whole as one storage; undefined where it cannot be
   */
  colocate(storages: readonly Storage[], label: string): Storage | undefined {
    const read = new Set<Storage>();
    for (const d of this.dispatches) {
      d.kernel.shader.bindings.forEach(({ access }, i) => {
        const slice = d.slices[i];
        if (access === 'read' && slice && slice !== 'params') read.add(slice.storage);
      });
    }
    const free = storages.every((s) => s.owner === this && !read.has(s) && !this.parts.has(s));
    const { offsets, bytes } = layOut(
      this.device,
      storages.map((s) => s.bytes),
    );
    if (this.device.guards || !free || new Set(storages).size < 2 || bytes > this.device.limits.maxBufferSize) {
      return undefined;
    }
    const whole = this.temporary(bytes, label);
    storages.forEach((storage, i) => {
      this.parts.set(storage, { whole, offset: offsets[i] as number });
    });
    return whole;
  }

  /** Calls `hook` on the host before each run: the place to write the step's few scalars. */
  beforeRun(hook: () => void): void {
    this.hooks.push(hook);
  }

  /** Calls `hook` when the program is destroyed: the place to give back what was made for it. */
  onDestroy(hook: () => void): void {
    this.destroyHooks.push(hook);
  }

  /** 0, 1, 2 … for each call with this name within this program: tells e.g. one dropout layer from the next. */
  callIndex(name: string): number {
    const n = this.counters.get(name) ?? 0;
    this.counters.set(name, n + 1);
    return n;
  }

  /** Where all counts of `ordinal` stand; set back, what is recorded next is numbered as it was before. */
  get callIndices(): ReadonlyMap<string, number> {
    return new Map(this.counters);
  }

  set callIndices(counts: ReadonlyMap<string, number>) {
    this.counters = new Map(counts);
  }

  /**
   * Appends one dispatch. `bindings` and `params` go by the names in the shader. Where storage that is bound holds halves,
   * the kernel is made to load and store them.
   * @throws Error on a name that the shader does not have, or one that is missing: a mistake in the engine.
   */
  dispatch(
    kernel: Kernel,
    bindings: Readonly<Record<string, Bindable>>,
    params: Readonly<Record<string, number>> | undefined,
    groups: Workgroups,
  ): void {
    const names = kernel.shader.bindings.filter((b) => b.name !== 'p').map((b) => b.name);
    for (const name of Object.keys(bindings)) {
      if (!names.includes(name)) throw new Error(`${kernel.label}: the shader does not use a binding "${name}"`);
    }
    const slices = kernel.shader.bindings.map((b) => {
      if (b.name === 'p') return 'params' as const;
      const given = bindings[b.name];
      if (given === undefined) throw new Error(`${kernel.label}: nothing bound to "${b.name}"`);
      const slice = asSlice(given);
      this.device.checkBinding(slice.size, `${kernel.label}: ${slice.storage.label}`);
      checkDtype(kernel, b, slice.storage);
      return slice;
    });
    const [x, y = 1, z = 1] = groups;
    const most = this.device.limits.maxComputeWorkgroupsPerDimension;
    if (!(x > 0 && y > 0 && z > 0) || Math.max(x, y, z) > most) {
      throw new Error(`${kernel.label}: ${x} × ${y} × ${z} workgroups; each must be 1…${most}`);
    }
    const halves = kernel.shader.bindings.filter((_, i) => {
      const slice = slices[i];
      return slice !== undefined && slice !== 'params' && slice.storage.dtype === 'f16';
    });
    this.dispatches.push({
      kernel: kernel.storeAsF16(halves.map((b) => b.name)),
      slices,
      params: params && kernel.pack(params),
      groups: [x, y, z],
    });
  }

  get dispatchCount(): number {
    return this.dispatches.length;
  }

  /** The distinct pipelines that this program needs. */
  get kernels(): Kernel[] {
    return [...new Set(this.dispatches.map((d) => d.kernel))];
  }

  /** Bytes of GPU memory that belong to this program (temporaries and uniforms), after `compile`. */
  get bytes(): number {
    return this.buffers.reduce((sum, b) => sum + b.size, 0);
  }

  async compile(onCompiled?: (done: number, total: number) => void): Promise<void> {
    const kernels = this.kernels;
    let done = 0;
    const compiled = Promise.all(
      kernels.map((k) => k.compile(this.device.gpu).then(() => onCompiled?.(++done, kernels.length))),
    );
    await this.allocate();
    await compiled;
    this.bind();
    await this.device.check();
  }

  private async allocate(): Promise<void> {
    const used = this.lifetimes();
    const guards = this.device.guards;
    const plan = planMemory(used.map((u) => u.life));
    this.plan = plan;
    const slots = guards ? used.map((u) => u.life.bytes + GUARD_BYTES) : plan.slotBytes;
    const made = await this.device.allocate(slots, 'temporaries');
    this.buffers.push(...made);
    used.forEach(({ storage }, i) => {
      storage.buffer = made[guards ? i : (plan.slot[i] as number)];
    });
    for (const [part, { whole, offset }] of this.parts) {
      part.buffer = whole.buffer;
      part.offset = offset;
    }
  }

  private lifetimes(): { storage: Storage; life: Lifetime }[] {
    const lives = new Map<Storage, Lifetime>();
    this.dispatches.forEach((d, at) => {
      d.kernel.shader.bindings.forEach((binding, i) => {
        const slice = d.slices[i] as StorageSlice | 'params';
        if (slice === 'params') return;
        if (slice.storage.owner !== this) {
          this.addExternal(slice.storage, d.kernel.label);
          return;
        }
        const storage = this.wholeOf(slice.storage);
        const life = lives.get(storage);
        if (life) life.last = at;
        else if (binding.access === 'read') {
          throw new Error(`${d.kernel.label} reads ${slice.storage.label} before anything has written it`);
        } else lives.set(storage, { bytes: align(storage.bytes, 4), first: at, last: at });
      });
    });
    for (const storage of this.retained) {
      const life = lives.get(this.wholeOf(storage));
      if (life) life.last = this.dispatches.length;
    }
    return this.temporaries.flatMap((storage) => {
      const life = lives.get(storage);
      return life ? [{ storage, life }] : [];
    });
  }

  /** What has memory of its own: the storage itself, or what it is a part of. */
  private wholeOf(storage: Storage): Storage {
    return this.parts.get(storage)?.whole ?? storage;
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

  private bind(): void {
    const { gpu, limits } = this.device;
    const unit = limits.minUniformBufferOffsetAlignment;
    let offset = 0;
    const offsets = this.dispatches.map((d) => {
      const at = offset;
      if (d.params) offset += align(d.params.byteLength, unit);
      return at;
    });
    const block = new Uint8Array(Math.max(offset, unit));
    this.dispatches.forEach((d, i) => {
      if (d.params) block.set(d.params, offsets[i]);
    });
    const uniforms = gpu.createBuffer({ label: 'params', size: block.byteLength, usage: 0x40 | 0x8 });
    gpu.queue.writeBuffer(uniforms, 0, block);
    this.buffers.push(uniforms);
    for (const d of this.dispatches) checkAccess(d);
    this.bindGroups = this.dispatches.map((d, i) =>
      gpu.createBindGroup({
        label: d.kernel.label,
        layout: d.kernel.pipeline.getBindGroupLayout(0),
        entries: d.kernel.shader.bindings.map((binding, j) => {
          const slice = d.slices[j] as StorageSlice | 'params';
          if (slice === 'params') {
            if (!d.params) throw new Error(`${d.kernel.label}: no params given`);
            return {
              binding: binding.index,
              resource: { buffer: uniforms, offset: offsets[i], size: d.params.byteLength },
            };
          }
          return { binding: binding.index, resource: this.range(slice) };
        }),
      }),
    );
  }

  private range(slice: StorageSlice): GPUBufferBinding {
    const buffer = slice.storage.buffer;
    if (!buffer) {
      throw new PixtapeError(`${slice.storage.label} was disposed, or its program destroyed`, undefined, {
        code: 'misuse',
      });
    }
    // With guards on, a whole storage is bound together with its guard words: a write past the end lands there
    // instead of being clamped onto the last element, where nobody would see it.
    const whole = slice.offset === 0 && slice.size === slice.storage.bytes;
    const size = align(slice.size, 4) + (this.device.guards && whole ? GUARD_BYTES : 0);
    slice.storage.bound = true;
    const offset = slice.storage.offset + slice.offset;
    return { buffer, offset, size: Math.min(size, buffer.size - offset) };
  }

  /** Runs everything once: one command buffer, one submit, no waiting. */
  run(): void {
    this.prepareRun();
    if (this.device.guards) this.paintGuards();
    const encoder = this.device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.encode(pass, 0, this.dispatches.length);
    pass.end();
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  private prepareRun(): void {
    this.device.throwIfBroken();
    if (this.destroyed) {
      throw new PixtapeError('this program was destroyed', 'Record it again to run it.', { code: 'misuse' });
    }
    for (const storage of this.externals) {
      if (storage.disposed || storage.owner?.destroyed) {
        const what = storage.disposed ? 'was disposed' : 'belongs to a program that was destroyed';
        throw new PixtapeError(`this program uses ${storage.label}, which ${what}`, 'Record it again without it.', {
          code: 'misuse',
        });
      }
      if (storage.pending) this.device.settle(storage);
    }
    for (const hook of this.hooks) hook();
  }

  private encode(pass: GPUComputePassEncoder, from: number, to: number): void {
    let current: Kernel | undefined;
    for (let i = from; i < to; i++) {
      const d = this.dispatches[i] as Dispatch;
      if (d.kernel !== current) {
        pass.setPipeline(d.kernel.pipeline);
        current = d.kernel;
      }
      pass.setBindGroup(0, this.bindGroups[i] as GPUBindGroup);
      pass.dispatchWorkgroups(...d.groups);
    }
  }

  /**
   * Runs once, one dispatch at a time, waiting for each: slow, but tells where the time goes on any driver, with or
   * without timestamp queries. The wait itself (0.03–0.1 ms on CPU drivers) is part of each figure.
   */
  async profile(): Promise<DispatchTiming[]> {
    this.prepareRun();
    const { queue } = this.device.gpu;
    await queue.onSubmittedWorkDone();
    const timings: DispatchTiming[] = [];
    for (let i = 0; i < this.dispatches.length; i++) {
      const encoder = this.device.gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      this.encode(pass, i, i + 1);
      pass.end();
      const start = performance.now();
      queue.submit([encoder.finish()]);
      await queue.onSubmittedWorkDone();
      timings.push({ label: (this.dispatches[i] as Dispatch).kernel.label, milliseconds: performance.now() - start });
    }
    return timings;
  }

  private paintGuards(): void {
    const paint = new Uint32Array(GUARD_BYTES / 4).fill(GUARD_WORD);
    for (const s of this.guarded()) {
      this.device.gpu.queue.writeBuffer(s.buffer as GPUBuffer, align(s.bytes, 4), paint);
    }
  }

  private guarded(): Storage[] {
    const touched = this.dispatches.flatMap((d) => d.slices.flatMap((s) => (s === 'params' ? [] : [s.storage])));
    return [...new Set(touched)].filter((s) => s.buffer && s.buffer.size >= align(s.bytes, 4) + GUARD_BYTES);
  }

  /** After a run on a device with guards: the labels of the tensors behind which something has been written. */
  async brokenGuards(): Promise<string[]> {
    if (!this.device.guards) throw new PixtapeError('this device was opened without guards');
    const broken: string[] = [];
    for (const s of this.guarded()) {
      const words = await this.device.readBytes(s.buffer as GPUBuffer, align(s.bytes, 4), GUARD_BYTES);
      if (new Uint32Array(words.buffer).some((w) => w !== GUARD_WORD)) broken.push(s.label);
    }
    return broken;
  }

  /** Gives the program's memory back. It cannot run again. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const hook of this.destroyHooks) hook();
    for (const b of this.buffers.splice(0)) this.device.free(b);
    this.bindGroups = [];
  }
}

/** WebGPU refuses a dispatch that reads one part of a buffer and writes another, and would blame it on the whole submit. */
function checkAccess({ kernel, slices }: Dispatch): void {
  const written = new Map<GPUBuffer, Storage>();
  kernel.shader.bindings.forEach(({ access }, i) => {
    const slice = slices[i];
    if (access === 'read_write' && slice && slice !== 'params' && slice.storage.buffer) {
      written.set(slice.storage.buffer, slice.storage);
    }
  });
  kernel.shader.bindings.forEach(({ access }, i) => {
    const slice = slices[i];
    if (access !== 'read' || !slice || slice === 'params' || !slice.storage.buffer) return;
    const other = written.get(slice.storage.buffer);
    if (!other) return;
    throw new PixtapeError(
      `${kernel.label} reads ${slice.storage.label} and writes ${other.label}, which lie in one buffer`,
      'Copy one of them first: an optimizer keeps all its parameters in one buffer.',
      { code: 'misuse' },
    );
  });
}

/** Whole numbers must not be read as floats. The other way round kernels keep their own words in f32 storage. */
function checkDtype(kernel: Kernel, { name, type }: ShaderBinding, { dtype, label }: Storage): void {
  if ((dtype !== 'u32' && dtype !== 'i32') || !/^array<f32>$/.test(type)) return;
  throw new PixtapeError(`${kernel.label}: ${label} holds ${dtype}, but "${name}" is read as f32`, 'Cast it first.', {
    details: { dtype, binding: name },
  });
}

function align(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}
