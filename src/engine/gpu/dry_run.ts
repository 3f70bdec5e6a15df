import { Device } from './device.ts';
import { MATRIX_FEATURE } from './shader/matrix_unit.ts';

/**
 * Opens a dry-run device. It accepts every call that builds a network or records a program, and counts memory, but
 * allocates, compiles and computes nothing. Within milliseconds, its `memory` tells what the same work would take on
 * `like`.
 *
 * @param boundless lifts the limits of buffers and bindings, for work that `like` itself would refuse
 */
export async function dryRunDevice(like: Device, { boundless = false } = {}): Promise<Device> {
  const limits = boundless ? withoutSizes(like.limits) : like.limits;
  // A dry run cannot test the matrix unit by computing. Take the result from `like`.
  const { matrixUnit } = like.capabilities;
  const features = new Set(like.gpu.features);
  features.delete(MATRIX_FEATURE);
  const gpu = new DryRunGpu(limits, features as GPUSupportedFeatures);
  const adapter = {
    limits,
    features,
    info: like.gpu.adapterInfo,
    requestDevice: async () => gpu,
  };
  const maxBinding = boundless ? Number.POSITIVE_INFINITY : like.bindingLimit;
  const device = await Device.open(adapter as unknown as GPUAdapter, like.description, { maxBinding });
  if (matrixUnit) device.capabilities.matrixUnit = matrixUnit;
  originals.set(device, like);
  return device;
}

const originals = new WeakMap<Device, Device>();

/** The device that a dry run imitates; its settings apply to the dry run, too. */
export function originalOf(device: Device): Device | undefined {
  return originals.get(device);
}

/** Opens a dry-run device without a driver, to look at a network's structure. */
export async function detachedDevice(): Promise<Device> {
  const limits = new Proxy({} as GPUSupportedLimits, { get: () => Number.MAX_SAFE_INTEGER });
  const features = new Set<string>() as GPUSupportedFeatures;
  const info = { vendor: '', architecture: '', device: '', description: '' };
  const adapter = { limits, features, info, requestDevice: async () => new DryRunGpu(limits, features) };
  return Device.open(adapter as unknown as GPUAdapter, 'dry run');
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

/** The part of GPUDevice that recording uses. Running a program needs a real device. */
class DryRunGpu {
  readonly limits: GPUSupportedLimits;
  readonly features: GPUSupportedFeatures;
  /** A dry run is never lost. */
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
