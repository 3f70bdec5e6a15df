import { STAGE_COMPUTE } from '../constants.ts';
import { storeAsF16 } from './f16_storage.ts';
import { packParams, reflect, type ShaderConstants, type ShaderInterface, unroll, withConstants } from './wgsl.ts';

/**
 * One compute pipeline: a WGSL text, an entry point and the constants that specialise it. Shapes are uniforms and not
 * constants, because every distinct shader costs a compilation (0.1–10 s on a CPU driver).
 */
export class Kernel {
  readonly code: string;
  readonly shader: ShaderInterface;
  readonly label: string;
  readonly entry: string;
  /** Whether it has run on its device, even if only over zero workgroups: see `compileAhead`. */
  hasRun = false;
  private ready: Promise<GPUComputePipeline> | undefined;
  private built: GPUComputePipeline | undefined;
  private readonly halved = new Map<string, Kernel>();

  constructor(label: string, source: string, entry: string, constants: ShaderConstants) {
    this.label = label;
    this.entry = entry;
    this.code = withConstants(unroll(source, constants), constants);
    this.shader = reflect(this.code, entry);
  }

  /** This kernel with halves in these bindings; made once per set. */
  storeAsF16(names: readonly string[]): Kernel {
    if (names.length === 0) return this;
    const key = names.join();
    let kernel = this.halved.get(key);
    if (!kernel) {
      kernel = new Kernel(this.label, storeAsF16(this.code, names), this.entry, {});
      this.halved.set(key, kernel);
    }
    return kernel;
  }

  pack(values: Readonly<Record<string, number>>): Uint8Array {
    return packParams(this.shader.params, values, this.label);
  }

  /** Starts the compilation, or joins the one under way. Rejects with the shader's own line on an error. */
  compile(device: GPUDevice): Promise<GPUComputePipeline> {
    this.ready ??= this.build(device).then((pipeline) => {
      this.built = pipeline;
      return pipeline;
    });
    return this.ready;
  }

  /** The compiled pipeline; only after `compile` has resolved. */
  get pipeline(): GPUComputePipeline {
    if (!this.built) throw new Error(`kernel ${this.label} has not been compiled yet`);
    return this.built;
  }

  /** Builds its pipeline on any device. */
  async build(device: GPUDevice): Promise<GPUComputePipeline> {
    const module = device.createShaderModule({ label: this.label, code: this.code });
    const info = await module.getCompilationInfo();
    const errors = info.messages.filter((m) => m.type === 'error');
    if (errors.length > 0) {
      const lines = this.code.split('\n');
      const where = errors.map((m) => `  line ${m.lineNum}: ${m.message}\n    ${lines[m.lineNum - 1]?.trim() ?? ''}`);
      throw new Error(`shader ${this.label} does not compile:\n${where.join('\n')}`);
    }
    const layout = device.createPipelineLayout({
      bindGroupLayouts: [
        device.createBindGroupLayout({
          label: this.label,
          entries: this.shader.bindings.map((b) => ({
            binding: b.index,
            visibility: STAGE_COMPUTE,
            buffer: { type: b.space === 'uniform' ? 'uniform' : b.access === 'read' ? 'read-only-storage' : 'storage' },
          })),
        }),
      ],
    });
    return device.createComputePipelineAsync({
      label: this.label,
      layout,
      compute: { module, entryPoint: this.entry },
    });
  }
}
