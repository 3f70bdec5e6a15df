import { PixtapeError } from '../util/errors.ts';
import { formatBytes } from '../util/format.ts';
import { BufferUsage, MAP_MODE_READ } from './constants.ts';
import { LossWatch } from './loss.ts';
import { requestDevice } from './request_device.ts';
import { compileAhead } from './shader/compile_ahead.ts';
import { Kernel } from './shader/kernel.ts';
import { findMatrixUnit, type MatrixInfo, type MatrixUnit } from './shader/matrix_unit.ts';
import type { ShaderConstants } from './shader/wgsl.ts';
import { type Dtype, GUARD_BYTES, Storage } from './storage.ts';

export interface DeviceOptions {
  /** Puts guard words after every tensor and turns memory sharing off, so that tests see a write out of bounds. */
  guards?: boolean;
  /** Treats this many bytes as the limit of a storage binding, to try a driver's small limit elsewhere. */
  maxBinding?: number;
  /**
   * Refuses to allocate more bytes than this before the driver is asked. On a CPU driver: the machine's free memory.
   */
  memoryBudget?: number;
  /**
   * Further devices of the same driver that compile kernels in parallel. For a driver that compiles a kernel when it
   * first runs, one at a time, and keeps what it compiles in a cache. An empty list means none. They are destroyed with
   * this one.
   */
  compileAhead?: readonly GPUDevice[];
  /** False ignores the adapter's matrix unit: a driver may crash although it lists one. */
  matrices?: boolean;
  /** Seeds new layers and dropout; by default 0. Devices with equal seeds give equal results. */
  seed?: number;
}

const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = BufferUsage;

/** The hint for a lack of memory. */
const MEMORY_HINT = 'Use smaller batches or pictures, or fewer channels.';

/** What kernels may rely on, read once from the adapter. */
export interface Capabilities {
  /** The subgroup size if subgroups exist and have one fixed size, else 0. */
  subgroupSize: number;
  f16: boolean;
  /** A software driver: arithmetic runs on the CPU, where loads are expensive and workgroup memory gains nothing. */
  cpu: boolean;
  /** The matrix unit for halves, if a small product came out right when the device was opened. */
  matrixUnit?: MatrixUnit;
}

/** A GPU device with its pipeline cache and memory accounting. */
export class Device {
  readonly gpu: GPUDevice;
  readonly limits: GPUSupportedLimits;
  readonly capabilities: Capabilities;
  /** Adapter and driver, for people and for a run's record. */
  readonly description: string;
  readonly guards: boolean;
  private readonly maxBinding: number;
  /** The most bytes that may be allocated in all; Infinity if unknown, as on a real GPU. */
  readonly memoryBudget: number;
  readonly seed: number;
  private streams = 0;
  private readonly kernels = new Map<string, Kernel>();
  private readonly sizes = new Map<GPUBuffer, number>();
  private peak = 0;
  private allocated = 0;
  /**
   * Called before work in which a driver may compile and block this thread: the compilation of a program, and its first
   * run. The function that it returns is called when that is over.
   */
  onLongWork: (() => () => void) | undefined;
  private readonly helpers: readonly GPUDevice[] | undefined;
  private broken: PixtapeError | undefined;
  private readonly loss: LossWatch;

  private constructor(gpu: GPUDevice, capabilities: Capabilities, description: string, options: DeviceOptions) {
    this.gpu = gpu;
    this.limits = gpu.limits;
    this.capabilities = capabilities;
    this.description = description;
    this.guards = options.guards ?? false;
    this.maxBinding = Math.min(options.maxBinding ?? Number.POSITIVE_INFINITY, gpu.limits.maxStorageBufferBindingSize);
    this.memoryBudget = options.memoryBudget ?? Number.POSITIVE_INFINITY;
    this.seed = options.seed ?? 0;
    this.helpers = options.compileAhead;
    gpu.addEventListener('uncapturederror', ({ error }) => {
      this.broken ??= /out of memory/i.test(error.message)
        ? new PixtapeError(`out of GPU memory (${error.message})`, MEMORY_HINT, { code: 'out-of-memory' })
        : new PixtapeError(`WebGPU error: ${error.message}`, 'This is a fault of the engine: please report it.', {
            code: 'internal',
          });
    });
    this.loss = new LossWatch(gpu.lost);
  }

  /** Opens a device on `adapter` with the adapter's own limits and the features that the kernels can use. */
  static async open(adapter: GPUAdapter, description = '', options: DeviceOptions = {}): Promise<Device> {
    const gpu = await requestDevice(adapter);
    const { subgroupMinSize, subgroupMaxSize, vendor, architecture, device, description: named } = adapter.info;
    const fixed = gpu.features.has('subgroups' as GPUFeatureName) && subgroupMinSize === subgroupMaxSize;
    const matrixUnit = options.matrices === false ? undefined : await findMatrixUnit(gpu, adapter.info as MatrixInfo);
    const text = description || [named, vendor, architecture, device].filter(Boolean).join(' ') || 'unknown adapter';
    return new Device(
      gpu,
      {
        subgroupSize: fixed ? (subgroupMinSize ?? 0) : 0,
        f16: gpu.features.has('shader-f16'),
        cpu: /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(`${text} ${named} ${architecture} ${device}`),
        ...(matrixUnit && { matrixUnit }),
      },
      text,
      options,
    );
  }

  /**
   * The kernel for this shader text, entry point and constants. It is made once, and compiled when a program first
   * needs it. A text that uses LANES gets this device's, unless `constants` has one.
   */
  kernel(label: string, source: string, entry = 'main', constants: ShaderConstants = {}): Kernel {
    this.throwIfBroken();
    const key = `${entry}\n${JSON.stringify(constants)}\n${source}`;
    let kernel = this.kernels.get(key);
    if (!kernel) {
      const own: ShaderConstants = /\bLANES\b/.test(source) ? { LANES: this.lanes } : {};
      kernel = new Kernel(label, source, entry, { ...own, ...constants });
      this.kernels.set(key, kernel);
    }
    return kernel;
  }

  /** Counts the calls from 0: gives each new layer its own random numbers. */
  nextStream(): number {
    this.throwIfBroken();
    return this.streams++;
  }

  /**
   * Allocates zeroed memory that stays: parameters, inputs, optimizer state.
   * @param uniform whether kernels may also bind it as `var<uniform>`, which does not count as one of a shader's
   *   storage buffers
   */
  persistent(bytes: number, label: string, dtype: Dtype = 'f32', { uniform = false } = {}): Storage {
    this.throwIfBroken();
    this.checkSize(bytes, label);
    const size = Math.ceil(bytes / 4) * 4 + (this.guards ? GUARD_BYTES : 0);
    this.checkBudget(size, label);
    const usage = uniform ? BufferUsage.UNIFORM : 0;
    return new Storage(bytes, label, dtype, { buffer: this.createBuffer(size, label, usage) });
  }

  /** Frees persistent storage. Programs that use it can no longer run. */
  dispose(storage: Storage): void {
    if (!storage.persistent) {
      throw new PixtapeError(
        `${storage.label} belongs to a recorded program`,
        'Its memory goes with the program: call destroy() on what record() gave.',
        { code: 'misuse' },
      );
    }
    if (storage.disposed) return;
    storage.disposed = true;
    storage.pending = undefined;
    const { arena } = storage;
    if (arena) {
      if (--arena.tenants === 0) this.dispose(arena);
    } else if (storage.buffer) this.free(storage.buffer);
    storage.buffer = undefined;
  }

  /**
   * Allocates buffers for a program's temporaries. Waits for the driver's answer, so that a lack of memory throws here.
   */
  async allocate(sizes: readonly number[], what: string): Promise<GPUBuffer[]> {
    this.throwIfBroken();
    this.checkBudget(
      sizes.reduce((a, b) => a + b, 0),
      what,
    );
    this.gpu.pushErrorScope('out-of-memory');
    const made = sizes.map((bytes) => this.createBuffer(bytes, what));
    const error = await this.orLost(this.gpu.popErrorScope());
    if (error) {
      for (const b of made) this.free(b);
      const total = sizes.reduce((a, b) => a + b, 0);
      throw new PixtapeError(
        `out of GPU memory: ${formatBytes(total)} for ${what}, on top of ${formatBytes(this.allocated)} (${error.message})`,
        MEMORY_HINT,
        { code: 'out-of-memory', details: { bytes: total, allocated: this.allocated } },
      );
    }
    return made;
  }

  private checkBudget(bytes: number, what: string): void {
    if (this.allocated + bytes <= this.memoryBudget) return;
    throw new PixtapeError(
      `not enough memory: ${formatBytes(bytes)} for ${what} on top of ${formatBytes(this.allocated)}, ` +
        `and ${formatBytes(this.memoryBudget)} are free on ${this.description}`,
      MEMORY_HINT,
      { code: 'out-of-memory', details: { bytes, allocated: this.allocated, budget: this.memoryBudget } },
    );
  }

  private createBuffer(bytes: number, label: string, more = 0): GPUBuffer {
    const size = Math.max(bytes, 4);
    const buffer = this.gpu.createBuffer({ label, size, usage: STORAGE | COPY_DST | COPY_SRC | more });
    this.sizes.set(buffer, size);
    this.allocated += size;
    this.peak = Math.max(this.peak, this.allocated);
    return buffer;
  }

  free(buffer: GPUBuffer): void {
    this.allocated -= this.sizes.get(buffer) ?? 0;
    this.sizes.delete(buffer);
    buffer.destroy();
  }

  /** Bytes of GPU buffers now, and their peak. */
  get memory(): { bytes: number; peak: number } {
    return { bytes: this.allocated, peak: this.peak };
  }

  checkSize(bytes: number, label: string): void {
    if (bytes <= this.limits.maxBufferSize) return;
    throw new PixtapeError(
      `${label} needs ${formatBytes(bytes)}, this adapter's largest buffer is ${formatBytes(this.limits.maxBufferSize)}`,
      MEMORY_HINT,
      { code: 'out-of-memory', details: { bytes, limit: this.limits.maxBufferSize } },
    );
  }

  /**
   * Invocations of a workgroup that walks through memory: LANES in the shaders. A CPU driver runs the subgroups of a
   * workgroup one after the other, each through the whole loop. A workgroup of several would go through its memory
   * several times, in strides: four times slower on lavapipe with unaligned rows.
   */
  get lanes(): number {
    const { cpu, subgroupSize } = this.capabilities;
    return cpu && subgroupSize > 0 ? subgroupSize : 64;
  }

  /**
   * The number of workgroups that keep the device busy; more only cost. On a CPU driver each one takes 1–2 µs, in which
   * hundreds of values could be copied, and more of them make memory access less sequential.
   */
  get maxUsefulWorkgroups(): number {
    return this.capabilities.cpu ? 64 : 8192;
  }

  /** The most bytes of one storage binding. Operations with larger tensors work on slices. */
  get bindingLimit(): number {
    return this.maxBinding;
  }

  checkBinding(bytes: number, label: string): void {
    if (bytes <= this.maxBinding) return;
    throw new PixtapeError(
      `${label} is ${formatBytes(bytes)}, a kernel can bind ${formatBytes(this.maxBinding)} at once on this adapter (${this.description})`,
      MEMORY_HINT,
      { code: 'out-of-memory', details: { bytes, limit: this.maxBinding } },
    );
  }

  /**
   * Copies bytes into a storage, `offset` bytes from its beginning.
   * @throws PixtapeError if `data` is not a typed array, or ends beyond the storage, where another one may be
   */
  write(storage: Storage, data: ArrayBufferView, offset = 0): void {
    this.throwIfBroken();
    const buffer = bufferOf(storage);
    if (!ArrayBuffer.isView(data) || offset + data.byteLength > Math.ceil(storage.bytes / 4) * 4) {
      const given = ArrayBuffer.isView(data) ? `${data.byteLength} bytes at ${offset}` : typeof data;
      throw new PixtapeError(`${storage.label} has ${storage.bytes} bytes; given to write: ${given}`, undefined, {
        code: 'misuse',
      });
    }
    if (data.byteLength < storage.bytes) this.settle(storage);
    storage.pending = undefined;
    const at = storage.offset + offset;
    this.gpu.queue.writeBuffer(buffer, at, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }

  /** Writes a storage's initial values if they are still pending. */
  settle(storage: Storage): void {
    const values = storage.pending?.();
    storage.pending = undefined;
    if (values) this.write(storage, values);
  }

  /** Copies bytes back. Waits for everything submitted so far. */
  async readBytes(buffer: GPUBuffer, offset: number, size: number): Promise<Uint8Array> {
    this.throwIfBroken();
    const staging = this.gpu.createBuffer({ label: 'read-back', size, usage: MAP_READ | COPY_DST });
    try {
      const encoder = this.gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
      this.gpu.queue.submit([encoder.finish()]);
      await this.orLost(staging.mapAsync(MAP_MODE_READ));
      const bytes = new Uint8Array(staging.getMappedRange()).slice();
      staging.unmap();
      this.throwIfBroken();
      return bytes;
    } finally {
      staging.destroy();
    }
  }

  /** A storage's bytes. Waits for everything submitted so far. */
  async read(storage: Storage): Promise<Uint8Array> {
    this.throwIfBroken();
    this.settle(storage);
    return this.readBytes(bufferOf(storage), storage.offset, Math.ceil(storage.bytes / 4) * 4);
  }

  /** Waits until everything submitted so far has run. */
  async drain(): Promise<void> {
    await this.orLost(this.gpu.queue.onSubmittedWorkDone());
  }

  /** Waits for the queue, then throws the first error that anything caused since the last check. */
  async check(): Promise<void> {
    await this.orLost(this.gpu.queue.onSubmittedWorkDone());
    this.throwIfBroken();
  }

  /** @throws PixtapeError if the device is gone, destroyed on purpose too, or WebGPU has reported an error */
  throwIfBroken(): void {
    const error = this.loss.error ?? this.broken;
    if (error) throw error;
  }

  /**
   * Waits for a promise of WebGPU. @throws PixtapeError at once if the device is lost, even if the promise never
   * settles
   */
  orLost<T>(work: Promise<T>): Promise<T> {
    return this.loss.guard(work);
  }

  /** Compiles kernels, or joins a compilation under way. Rejects with the shader's line on an error. */
  async compile(kernels: readonly Kernel[], onCompiled?: (done: number, total: number) => void): Promise<void> {
    this.throwIfBroken();
    const ended = this.onLongWork?.();
    try {
      if (this.helpers) return await compileAhead(kernels, this.gpu, this.helpers, onCompiled);
      let done = 0;
      await Promise.all(kernels.map((k) => k.compile(this.gpu).then(() => onCompiled?.(++done, kernels.length))));
    } finally {
      ended?.();
    }
  }

  /** Destroys the device. Afterwards every call that needs it throws; freeing what was made on it does not. */
  destroy(): void {
    this.loss.expect();
    for (const gpu of [this.gpu, ...(this.helpers ?? [])]) gpu.destroy();
  }
}

/** @throws PixtapeError that says why a storage has no bytes of its own */
function bufferOf(storage: Storage): GPUBuffer {
  const { label, owner, buffer } = storage;
  const misuse = (message: string, hint: string) => new PixtapeError(message, hint, { code: 'misuse' });
  if (storage.disposed)
    throw misuse(`${label} was disposed`, 'Dispose of a tensor only when nothing uses it any more.');
  if (owner?.destroyed) {
    throw misuse(`${label} belongs to a program that was destroyed`, 'Read its outputs before you call destroy().');
  }
  if (owner && !owner.isRetained(storage)) {
    throw misuse(
      `${label} is a temporary: its memory holds other tensors by the end of a run`,
      'Return it from the function that you gave to record().',
    );
  }
  if (!buffer) throw misuse(`${label} has no memory yet`, 'Its program is still being recorded: await record() first.');
  return buffer;
}
