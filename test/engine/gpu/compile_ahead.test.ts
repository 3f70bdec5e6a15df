import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAdapter } from '../../../src/drivers/index.ts';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { requestDevice } from '../../../src/engine/gpu/request_device.ts';
import { compileAhead } from '../../../src/engine/gpu/shader/compile_ahead.ts';
import { Kernel } from '../../../src/engine/gpu/shader/kernel.ts';
import { NoWork } from '../../../src/engine/gpu/shader/no_work.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

/** A simulated driver that takes `coldMs` per kernel on its one queue, and no time for kernels in its cache. */
class PaperDriver {
  readonly cache = new Set<string>();
  readonly built: string[] = [];
  readonly ran: string[] = [];
  /** Kernels that this device refuses to build. */
  readonly refuses: (label: string) => boolean;
  private readonly shared: Set<string>;
  private readonly coldMs: number;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(shared: Set<string>, coldMs: number, refuses: (label: string) => boolean = () => false) {
    this.shared = shared;
    this.coldMs = coldMs;
    this.refuses = refuses;
  }

  get gpu(): GPUDevice {
    const pass = (state: { label: string }) => ({
      setPipeline: ({ label }: { label: string }) => {
        state.label = label;
      },
      setBindGroup() {},
      dispatchWorkgroupsIndirect() {},
      end() {},
    });
    return {
      limits: { maxStorageBuffersPerShaderStage: 8 },
      createBuffer: () => ({ destroy() {} }),
      createBindGroup: () => ({}),
      createBindGroupLayout: () => ({}),
      createPipelineLayout: () => ({}),
      createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [] }) }),
      createComputePipelineAsync: async ({ label }: { label: string }) => {
        if (this.refuses(label)) throw new Error(`${label} is refused`);
        this.built.push(label);
        return { label, getBindGroupLayout: () => ({}) };
      },
      createCommandEncoder: () => {
        const state = { label: '' };
        return { beginComputePass: () => pass(state), finish: () => state };
      },
      queue: {
        submit: ([{ label }]: [{ label: string }]) => {
          this.queue = this.queue.then(async () => {
            if (!this.shared.has(label)) await new Promise((done) => setTimeout(done, this.coldMs));
            this.shared.add(label);
            this.ran.push(label);
          });
        },
        onSubmittedWorkDone: () => this.queue,
      },
    } as unknown as GPUDevice;
  }
}

const kernels = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const text = `@compute @workgroup_size(1) fn main() {}${' '.repeat(i)}`;
    return new Kernel(`k${i}`, text, 'main', {});
  });
const labels = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`);

describe('compiling ahead', () => {
  it('shares the work with the helpers if the driver compiles, and reports each kernel once', async () => {
    const disk = new Set<string>();
    const [own, left, right] = [0, 1, 2].map(() => new PaperDriver(disk, 60)) as [
      PaperDriver,
      PaperDriver,
      PaperDriver,
    ];
    const told: number[] = [];
    const all = kernels(9);
    await compileAhead(all, own.gpu, [left.gpu, right.gpu], (done, total) => told.push(10 * total + done));
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((done) => 90 + done));
    expect([...own.built].sort()).toEqual(labels(9));
    // Each is compiled by one device, and has run on the own device before anything waits for it.
    expect(left.ran.length).toBeGreaterThan(0);
    expect(right.ran.length).toBeGreaterThan(0);
    expect(new Set(own.ran)).toEqual(new Set(labels(9)));
    expect(all.every((kernel) => kernel.hasRun)).toBe(true);
    // The longest text comes first.
    expect(own.ran[0]).toBe('k8');
  });

  it('does not use the helpers if everything is in the cache, and does nothing twice', async () => {
    const disk = new Set(labels(5));
    const [own, helper] = [new PaperDriver(disk, 60), new PaperDriver(disk, 60)];
    const all = kernels(5);
    await compileAhead(all, own.gpu, [helper.gpu]);
    expect(helper.built).toEqual([]);
    let told = 0;
    await compileAhead(all, own.gpu, [helper.gpu], () => told++);
    expect(own.ran).toHaveLength(5);
    expect(told).toBe(5);
  });

  it('works without helpers, and takes over kernels at which one of them fails', async () => {
    const alone = new PaperDriver(new Set(), 5);
    await compileAhead(kernels(3), alone.gpu, []);
    expect(new Set(alone.ran)).toEqual(new Set(labels(3)));
    const own = new PaperDriver(new Set(), 60);
    const broken = new PaperDriver(new Set(), 60, () => true);
    await compileAhead(kernels(4), own.gpu, [broken.gpu]);
    expect(new Set(own.ran)).toEqual(new Set(labels(4)));
  });

  it('rejects with what the device says of a kernel', async () => {
    const own = new PaperDriver(new Set(), 60, (label) => label === 'k1');
    const helper = new PaperDriver(new Set(), 60);
    await expect(compileAhead(kernels(3), own.gpu, [helper.gpu])).rejects.toThrow('k1 is refused');
  });
});

describe('a dispatch over zero workgroups', () => {
  let device: Device;
  let other: GPUDevice;
  beforeAll(async () => {
    device = await openTestDevice();
    other = await requestDevice((await openAdapter()).adapter);
  });
  afterAll(() => {
    other.destroy();
    closeTestDevice(device);
  });

  it('does not run a kernel, not even one that would never end', async () => {
    const text = `struct Params { n: u32 }
      @group(0) @binding(0) var<uniform> p: Params;
      @group(0) @binding(1) var<storage, read> x: array<vec4f>;
      @group(0) @binding(2) var<storage, read_write> y: array<f32>;
      @group(0) @binding(3) var<storage, read_write> z: array<u32>;
      @compute @workgroup_size(1) fn main() { loop { y[0] += x[p.n].x; z[1] += 1u; if (y[0] < 0.0) { break; } } }`;
    const kernel = new Kernel('endless', text, 'main', {});
    for (const gpu of [device.gpu, other]) {
      gpu.pushErrorScope('validation');
      const work = new NoWork(gpu);
      await work.run(kernel, await kernel.build(gpu));
      work.destroy();
      expect(await gpu.popErrorScope()).toBeNull();
    }
  });
});
