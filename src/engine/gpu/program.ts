import { PixtapeError } from '../util/errors.ts';
import { bindDispatches, checkDtype, type Dispatch, storagesOf } from './bind.ts';
import type { Device } from './device.ts';
import { brokenGuards, writeGuards } from './memory/guards.ts';
import type { MemoryPlan } from './memory/plan.ts';
import { bytesTogether, Temporaries } from './memory/temporaries.ts';
import { type Profile, profile } from './profile.ts';
import type { Kernel } from './shader/kernel.ts';
import {
  asSlice,
  type Bindable,
  type Dtype,
  type Place,
  type Precision,
  Storage,
  type StorageOwner,
} from './storage.ts';

/** Work that is noted but not recorded yet, because nothing has needed it. */
export interface Deferred {
  /** Storage that has its values only once it is recorded. */
  readonly results: Iterable<Storage>;
  /** Storage that it will read. */
  readonly inputs: Iterable<Storage>;
  /** Records it: during a backward pass only `wanted`, else everything but parts that may never be needed. */
  record(wanted: readonly Storage[]): void;
}

export type Workgroups = readonly [x: number, y?: number, z?: number];

/** Host work in the middle of a program. What was recorded before dispatch `at` is submitted first. */
interface Cut {
  at: number;
  work: () => Promise<void> | undefined;
}

/**
 * A list of dispatches over virtual buffers, recorded once and replayed with one submit. During recording, `dispatch`
 * only notes them. `compile` compiles the kernels, plans memory and makes the bind groups.
 */
export class Program implements StorageOwner {
  readonly device: Device;
  /** Storage dtype of activations and their gradients; see `record`. */
  readonly precision: Precision;
  /** Whether `destroy` was called. */
  destroyed = false;
  plan: MemoryPlan | undefined;
  deferred: Deferred | undefined;
  /** Deferred work is recorded once its results come to so many bytes; set where something leaves before the end. */
  mostDeferredBytes: number | undefined;
  private readonly dispatches: Dispatch[] = [];
  private readonly temporaries = new Temporaries();
  private readonly buffers: GPUBuffer[] = [];
  private bindGroups: GPUBindGroup[] = [];
  private readonly cuts: Cut[] = [];
  private readonly hooks: (() => void)[] = [];
  private readonly destroyHooks: (() => void)[] = [];
  private hasRun = false;
  private counters = new Map<string, number>();

  constructor(device: Device, precision: Precision = 'f32') {
    this.device = device;
    this.precision = precision;
  }

  /** Makes a temporary of this program. `compile` gives it memory. */
  temporary(bytes: number, label: string, dtype: Dtype = 'f32'): Storage {
    this.device.checkSize(bytes, label);
    return this.temporaries.add(new Storage(bytes, label, dtype, { owner: this }));
  }

  /** Keeps a temporary's bytes readable after the run: nothing that is recorded later reuses them. */
  retain(storage: Storage): void {
    if (storage.owner === this) this.temporaries.retained.add(storage);
  }

  isRetained(storage: Storage): boolean {
    return this.temporaries.retained.has(storage);
  }

  /**
   * Places temporaries in one buffer, so that one dispatch can process all of them. This is possible only for those
   * that were written but not read so far: WebGPU refuses a dispatch that reads one part of a buffer and writes
   * another.
   * @returns all of them as one storage; undefined if that is impossible
   */
  colocate(storages: readonly Storage[], label: string): Storage | undefined {
    const open = this.unplaced();
    const noted = new Set(this.deferred?.inputs);
    return storages.every((s) => open(s) && !noted.has(s)) ? this.placed(storages, label) : undefined;
  }

  /** Like `colocate`, but of those that can be placed. For deferred work, which knows what else it will read. */
  placeTogether(storages: ReadonlySet<Storage>, label: string): void {
    this.placed([...storages].filter(this.unplaced()), label);
  }

  private placed(storages: readonly Storage[], label: string): Storage | undefined {
    const { device } = this;
    const bytes = bytesTogether(device, storages);
    // With guards on, every tensor is followed by its own guard words.
    if (device.guards || new Set(storages).size < 2 || bytes > device.limits.maxBufferSize) return undefined;
    const whole = this.temporary(bytes, label);
    this.temporaries.colocate(device, storages, whole);
    return whole;
  }

  /** Tells whether a temporary can still be placed. */
  private unplaced(): (storage: Storage) => boolean {
    const read = this.temporaries.readBy(this.dispatches);
    return (storage) => !read.has(storage) && this.temporaries.isUnplaced(storage);
  }

  /** The place that a temporary will have. */
  placeOf(storage: Storage): Place {
    return this.temporaries.placeOf(storage);
  }

  /** A table of whole numbers for kernels to look up, filled before the program first runs. */
  table(words: number, label: string, fill: () => Uint32Array): Storage {
    const made = this.device.persistent(4 * words, label, 'u32');
    made.pending = fill;
    this.onDestroy(() => this.device.dispose(made));
    return made;
  }

  /** Calls `hook` on the host before each run, to write the step's few scalars. */
  beforeRun(hook: () => void): void {
    this.hooks.push(hook);
  }

  /** Calls `hook` when the program is destroyed, to free what was made for it. */
  onDestroy(hook: () => void): void {
    this.destroyHooks.push(hook);
  }

  /**
   * Cuts the program in two: a run submits the part before the cut, calls `work`, waits for it, and continues. Cuts at
   * one place run in the order of these calls.
   * @param uses what the work reads or writes. A dispatch before the cut must write it. It keeps its memory up to the
   *   cut
   * @param at the dispatch after the cut; by default the next to be recorded
   */
  cut(work: Cut['work'], uses: readonly Storage[], at = this.dispatches.length): void {
    this.cuts.push({ at, work });
    for (const storage of uses) this.temporaries.hold(storage, at);
  }

  /** The number of the last dispatch so far that writes each storage. */
  get lastWrites(): ReadonlyMap<Storage, number> {
    const last = new Map<Storage, number>();
    this.dispatches.forEach((d, i) => {
      for (const { access, slice } of storagesOf(d)) if (access === 'read_write') last.set(slice.storage, i);
    });
    return last;
  }

  /**
   * Counts the calls with this name within this program, from 0: distinguishes one dropout layer from the next, for
   * example.
   */
  callIndex(name: string): number {
    const n = this.counters.get(name) ?? 0;
    this.counters.set(name, n + 1);
    return n;
  }

  /** All counts of `callIndex`. Setting them back gives what is recorded next the same numbers again. */
  get callIndices(): ReadonlyMap<string, number> {
    return new Map(this.counters);
  }

  set callIndices(counts: ReadonlyMap<string, number>) {
    this.counters = new Map(counts);
  }

  /**
   * Appends one dispatch. `bindings` and `params` are matched by the names in the shader. If bound storage holds
   * halves, the dispatch uses the kernel's version that loads and stores halves.
   * @param label its name in profiles; by default the kernel's
   * @throws Error on a name that the shader does not have, or one that is missing: a bug in the engine
   */
  dispatch(
    kernel: Kernel,
    bindings: Readonly<Record<string, Bindable>>,
    params: Readonly<Record<string, number>> | undefined,
    groups: Workgroups,
    label = kernel.label,
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
    this.recordDeferred(slices.flatMap((slice) => (slice === 'params' ? [] : [slice.storage])));
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
      label,
    });
  }

  /** Records deferred work that writes one of these storages. */
  recordDeferred(storages: readonly Storage[]): void {
    const wanted = [...(this.deferred?.results ?? [])].filter((result) => {
      return storages.includes(result) || storages.includes(this.placeOf(result).base);
    });
    if (wanted.length > 0) this.deferred?.record(wanted);
  }

  get dispatchCount(): number {
    return this.dispatches.length;
  }

  /** Whether anything recorded from this dispatch on writes the storage, or storage in the same buffer. */
  writesSince(from: number, storage: Storage): boolean {
    const buffer = storage.arena ?? storage;
    const written = this.dispatches.slice(from).flatMap(storagesOf);
    return written.some(({ access, slice }) => {
      return access === 'read_write' && (slice.storage.arena ?? slice.storage) === buffer;
    });
  }

  /** All dispatches in order: kernel, bound storage, workgroups, label. */
  get listing(): readonly Readonly<Pick<Dispatch, 'kernel' | 'slices' | 'groups' | 'label'>>[] {
    return this.dispatches;
  }

  /** The distinct pipelines that this program needs. */
  get kernels(): Kernel[] {
    return [...new Set(this.dispatches.map((d) => d.kernel))];
  }

  /** Bytes of GPU memory of this program (temporaries and uniforms), after `compile`. */
  get bytes(): number {
    return this.buffers.reduce((sum, b) => sum + b.size, 0);
  }

  async compile(onCompiled?: (done: number, total: number) => void): Promise<void> {
    this.deferred?.record([...this.temporaries.retained]);
    const compiled = this.device.compile(this.kernels, onCompiled);
    // An error is reported by the wait below. If allocation fails first, it must not become an unhandled rejection.
    compiled.catch(() => {});
    const { plan, buffers } = await this.temporaries.allocate(this.device, this.dispatches);
    this.plan = plan;
    this.buffers.push(...buffers);
    await this.device.orLost(compiled);
    const { uniforms, bindGroups } = bindDispatches(this.device, this.dispatches);
    this.buffers.push(uniforms);
    this.bindGroups = bindGroups;
    await this.device.check();
  }

  /**
   * Runs everything: one command buffer, one pass, one submit, no waiting.
   * @param times repetitions within the submit, for measurements. Hooks before the run, such as writing the step's
   *   scalars, are called once.
   * @throws PixtapeError if the program has cuts, or can no longer run
   */
  run(times = 1): void {
    this.refuseCuts();
    const submitted = this.prepareRun();
    if (this.device.guards) writeGuards(this.device, this.dispatches);
    this.submit(0, this.dispatches.length, times);
    submitted?.();
  }

  /** Runs a program that may have cuts: one submit per part, and the work of each cut in between. */
  async runInParts(): Promise<void> {
    const submitted = this.prepareRun();
    if (this.device.guards) writeGuards(this.device, this.dispatches);
    let done = 0;
    for (const { at, work } of [...this.cuts].sort((a, b) => a.at - b.at)) {
      this.submit(done, at);
      done = at;
      await work();
    }
    this.submit(done, this.dispatches.length);
    submitted?.();
  }

  private submit(from: number, to: number, times = 1): void {
    if (from === to) return;
    const encoder = this.device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < times; i++) this.encode(pass, from, to);
    pass.end();
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  private refuseCuts(): void {
    if (this.cuts.length === 0) return;
    throw new PixtapeError('this program has host work in the middle', 'Run it with runInParts().', {
      code: 'misuse',
    });
  }

  /** @returns in the first run, a function to call once all of it is submitted */
  private prepareRun(): (() => void) | undefined {
    this.device.throwIfBroken();
    if (this.destroyed) {
      throw new PixtapeError('this program was destroyed', 'Record it again to run it.', { code: 'misuse' });
    }
    for (const storage of this.temporaries.externals) {
      if (storage.disposed || storage.owner?.destroyed) {
        const what = storage.disposed ? 'was disposed' : 'belongs to a program that was destroyed';
        throw new PixtapeError(`this program uses ${storage.label}, which ${what}`, 'Record it again without it.', {
          code: 'misuse',
        });
      }
      if (storage.pending) this.device.settle(storage);
    }
    for (const hook of this.hooks) hook();
    const ended = this.hasRun ? undefined : this.device.onLongWork?.();
    this.hasRun = true;
    return ended && (() => void this.device.drain().then(ended, ended));
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
      // The binding of WebGPU converts each argument, which costs a step of hundreds of dispatches a few per cent.
      const [x, y, z] = d.groups;
      if (y * z > 1) pass.dispatchWorkgroups(x, y, z);
      else pass.dispatchWorkgroups(x);
    }
  }

  /** Runs once and measures each dispatch, by the GPU's own clock if it has one. */
  async profile(): Promise<Profile> {
    this.refuseCuts();
    const submitted = this.prepareRun();
    const { device, dispatches } = this;
    const measured = await profile({ device, dispatches, encode: (pass, i) => this.encode(pass, i, i + 1) });
    submitted?.();
    return measured;
  }

  /** After a run on a device with guards: the labels of tensors whose guard words were overwritten. */
  async brokenGuards(): Promise<string[]> {
    if (!this.device.guards) throw new PixtapeError('this device was opened without guards');
    return brokenGuards(this.device, this.dispatches);
  }

  /** Frees the program's memory. It cannot run again. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const hook of this.destroyHooks) hook();
    for (const b of this.buffers.splice(0)) this.device.free(b);
    this.bindGroups = [];
  }
}
