import { Device } from './device.ts';

/**
 * A device on paper: it takes every call that building a network and recording a program make, and keeps the account of
 * memory, but allocates, compiles and computes nothing. What `memory` says of it afterwards is what the same work would
 * take on `like`, known in milliseconds and before the first byte is asked for.
 *
 * @param boundless do as if buffers and bindings had no largest size, for work that `like` itself would refuse
 */
export async function dryRunDevice(like: Device, { boundless = false } = {}): Promise<Device> {
  const limits = boundless ? withoutSizes(like.limits) : like.limits;
  const gpu = new DryRunGpu(limits, like.gpu.features);
  const adapter = {
    limits,
    features: like.gpu.features,
    info: like.gpu.adapterInfo,
    requestDevice: async () => gpu,
  };
  const maxBinding = boundless ? Number.POSITIVE_INFINITY : like.bindingLimit;
  const device = await Device.open(adapter as unknown as GPUAdapter, like.description, { maxBinding });
  originals.set(device, like);
  return device;
}

const originals = new WeakMap<Device, Device>();

/** The device that a dry run stands for: what is settled for that one holds here too. */
export function originalOf(device: Device): Device | undefined {
  return originals.get(device);
}

/** A paper device without a model: for those who look at a network's structure and have no need of a driver. */
export async function detachedDevice(): Promise<Device> {
  const limits = new Proxy({} as GPUSupportedLimits, { get: () => Number.MAX_SAFE_INTEGER });
  const features = new Set<string>() as GPUSupportedFeatures;
  const info = { vendor: '', architecture: '', device: '', description: '' };
  const adapter = { limits, features, info, requestDevice: async () => new DryRunGpu(limits, features) };
  return Device.open(adapter as unknown as GPUAdapter, 'paper');
}

/** Limits are properties of a prototype, so a plain copy would lose them. */
function withoutSizes(limits: GPUSupportedLimits): GPUSupportedLimits {
  return new Proxy(limits, {
    get(target, name) {
      if (name === 'maxBufferSize' || name === 'maxStorageBufferBindingSize') return Number.MAX_SAFE_INTEGER;
      return Reflect.get(target, name, target);
    },
  });
}

/** The part of GPUDevice that recording uses. Running something needs a real one. */
class DryRunGpu {
  readonly limits: GPUSupportedLimits;
  readonly features: GPUSupportedFeatures;
  /** A piece of paper is never lost. */
  readonly lost = new Promise<never>(() => {});
  readonly queue = { writeBuffer() {}, submit() {}, onSubmittedWorkDone: async () => undefined };

  constructor(limits: GPUSupportedLimits, features: GPUSupportedFeatures) {
    this.limits = limits;
    this.features = features;
  }

  createCommandEncoder() {
    return { copyBufferToBuffer() {}, finish() {} };
  }
  createBuffer({ size, label }: GPUBufferDescriptor) {
    return { size, label, destroy() {} };
  }
  createShaderModule() {
    return { getCompilationInfo: async () => ({ messages: [] }) };
  }
  async createComputePipelineAsync() {
    return { getBindGroupLayout: () => ({}) };
  }
  createPipelineLayout() {
    return {};
  }
  createBindGroupLayout() {
    return {};
  }
  createBindGroup() {
    return {};
  }
  pushErrorScope() {}
  async popErrorScope() {
    return null;
  }
  addEventListener() {}
  destroy() {}
}
