import { BufferUsage } from '../constants.ts';
import type { Kernel } from './kernel.ts';

/** Bytes for each binding: more than any element or uniform block takes. */
const BINDING_BYTES = 4096;

/**
 * Makes a driver compile kernels by dispatching each over zero workgroups. The zero comes from a buffer, so the driver
 * must have the kernel ready before it knows that there is nothing to run.
 */
export class NoWork {
  private readonly gpu: GPUDevice;
  private readonly noGroups: GPUBuffer;
  private readonly uniform: GPUBuffer;
  private readonly readable: GPUBuffer;
  /** One part per binding: two bindings of a dispatch may not write the same bytes. */
  private readonly writable: GPUBuffer;

  constructor(gpu: GPUDevice) {
    const buffer = (size: number, usage: number) => gpu.createBuffer({ label: 'no work', size, usage });
    const { INDIRECT, UNIFORM, STORAGE } = BufferUsage;
    this.gpu = gpu;
    this.noGroups = buffer(12, INDIRECT);
    this.uniform = buffer(BINDING_BYTES, UNIFORM);
    this.readable = buffer(BINDING_BYTES, STORAGE);
    this.writable = buffer(BINDING_BYTES * gpu.limits.maxStorageBuffersPerShaderStage, STORAGE);
  }

  /** Resolves when the driver has finished. */
  async run(kernel: Kernel, pipeline: GPUComputePipeline): Promise<void> {
    const { gpu } = this;
    const entries = kernel.shader.bindings.map(({ index, space, access }, i) => {
      const [buffer, offset] =
        space === 'uniform'
          ? [this.uniform, 0]
          : access === 'read'
            ? [this.readable, 0]
            : [this.writable, i * BINDING_BYTES];
      return { binding: index, resource: { buffer, offset, size: BINDING_BYTES } };
    });
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroupsIndirect(this.noGroups, 0);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
    await gpu.queue.onSubmittedWorkDone();
  }

  destroy(): void {
    for (const buffer of [this.noGroups, this.uniform, this.readable, this.writable]) buffer.destroy();
  }
}
