import { PixtapeError } from '../util/errors.ts';
import { BufferUsage } from './constants.ts';
import type { Device } from './device.ts';
import type { Kernel } from './shader/kernel.ts';
import type { ShaderBinding } from './shader/wgsl.ts';
import { GUARD_BYTES, type Storage, type StorageSlice } from './storage.ts';

/** One recorded dispatch. */
export interface Dispatch {
  kernel: Kernel;
  /** One per binding of the kernel, in its order. Uniform bindings other than `p` are among them. */
  slices: (StorageSlice | 'params')[];
  params: Uint8Array | undefined;
  groups: [number, number, number];
  /** Its name in profiles. */
  label: string;
}

/** The storage that a dispatch binds, and how it uses it. */
export function storagesOf({ kernel, slices }: Dispatch): { access: 'read' | 'read_write'; slice: StorageSlice }[] {
  return kernel.shader.bindings.flatMap(({ access }, i) => {
    const slice = slices[i];
    return slice === undefined || slice === 'params' ? [] : [{ access, slice }];
  });
}

/** Makes the bind groups of dispatches whose storage has memory, and the one buffer with all their uniforms. */
export function bindDispatches(
  device: Device,
  dispatches: readonly Dispatch[],
): { uniforms: GPUBuffer; bindGroups: GPUBindGroup[] } {
  const { gpu, limits } = device;
  const unit = limits.minUniformBufferOffsetAlignment;
  let offset = 0;
  const offsets = dispatches.map((d) => {
    const at = offset;
    if (d.params) offset += Math.ceil(d.params.byteLength / unit) * unit;
    return at;
  });
  const block = new Uint8Array(Math.max(offset, unit));
  dispatches.forEach((d, i) => {
    if (d.params) block.set(d.params, offsets[i]);
  });
  for (const d of dispatches) checkAccess(d);
  const uniforms = gpu.createBuffer({
    label: 'params',
    size: block.byteLength,
    usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
  });
  gpu.queue.writeBuffer(uniforms, 0, block);
  const bindGroups = dispatches.map(({ kernel, slices, params }, i) =>
    gpu.createBindGroup({
      label: kernel.label,
      layout: kernel.pipeline.getBindGroupLayout(0),
      entries: kernel.shader.bindings.map((binding, j) => {
        const slice = slices[j] as StorageSlice | 'params';
        if (slice !== 'params') return { binding: binding.index, resource: range(device, slice) };
        if (!params) throw new Error(`${kernel.label}: no params given`);
        return { binding: binding.index, resource: { buffer: uniforms, offset: offsets[i], size: params.byteLength } };
      }),
    }),
  );
  return { uniforms, bindGroups };
}

function range(device: Device, { storage, offset, size }: StorageSlice): GPUBufferBinding {
  const { buffer } = storage;
  if (!buffer) {
    throw new PixtapeError(`${storage.label} was disposed, or its program destroyed`, undefined, { code: 'misuse' });
  }
  // Bind the guard bytes too: otherwise WebGPU's clamping would hide an out-of-bounds write.
  const whole = offset === 0 && size === storage.bytes;
  const bytes = Math.ceil(size / 4) * 4 + (device.guards && whole ? GUARD_BYTES : 0);
  storage.bound = true;
  const at = storage.offset + offset;
  return { buffer, offset: at, size: Math.min(bytes, buffer.size - at) };
}

/** Refuses a dispatch that reads one part of a buffer and writes another. WebGPU would blame the whole submit. */
function checkAccess(dispatch: Dispatch): void {
  const used = storagesOf(dispatch).filter(({ slice }) => slice.storage.buffer);
  for (const { access, slice } of used) {
    if (access !== 'read') continue;
    const { storage } = slice;
    const written = used.find((u) => u.access === 'read_write' && u.slice.storage.buffer === storage.buffer);
    if (!written) continue;
    throw new PixtapeError(
      `${dispatch.kernel.label} reads ${storage.label} and writes ${written.slice.storage.label}, which lie in one buffer`,
      'Copy one of them first: an optimizer keeps all its parameters in one buffer.',
      { code: 'misuse' },
    );
  }
}

/**
 * Refuses whole numbers that are read as floats. The reverse is allowed: kernels keep their own words in f32 storage.
 */
export function checkDtype(kernel: Kernel, { name, type }: ShaderBinding, { dtype, label }: Storage): void {
  if ((dtype !== 'u32' && dtype !== 'i32') || !/^array<f32>$/.test(type)) return;
  throw new PixtapeError(`${kernel.label}: ${label} holds ${dtype}, but "${name}" is read as f32`, 'Cast it first.', {
    details: { dtype, binding: name },
  });
}
