import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeAdapter, openExperimental } from '../../../src/drivers/index.ts';
import { Device } from '../../../src/engine/gpu/device.ts';
import { Kernel } from '../../../src/engine/gpu/shader/kernel.ts';
import { PixtapeError } from '../../../src/engine/util/errors.ts';

/**
 * Gets the SPIR-V that Dawn generates for our kernels, exactly as it passes it to Vulkan drivers. Mesa can write its
 * input into a folder, so the kernels are compiled on lavapipe, Mesa's CPU driver, one at a time.
 */
export class DawnCompiler {
  /** Runs nothing: kernels are compiled on it, and dry runs take its limits and features. */
  readonly device: Device;
  private readonly folder: string;

  private constructor(device: Device, folder: string) {
    this.device = device;
    this.folder = folder;
  }

  /** Must be called before anything else opens an adapter: Mesa reads its environment when it is loaded. */
  static async open(): Promise<DawnCompiler> {
    const folder = mkdtempSync(join(tmpdir(), 'pixtape-isa-'));
    process.env.MESA_SPIRV_DUMP_PATH = folder;
    // Disable the cache: Dawn passes nothing on for a cached kernel.
    process.env.MESA_SHADER_CACHE_DISABLE = '1';
    try {
      // Its matrices crash on vectors of 512 bits.
      process.env.LP_NATIVE_VECTOR_WIDTH = '256';
      const { adapter, description } = await openExperimental('lavapipe');
      return new DawnCompiler(await Device.open(adapter, description), folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** @throws PixtapeError if Mesa is too old to write it */
  async spirv(kernel: Kernel): Promise<Uint8Array> {
    // Another Mesa driver in this process may have written there, too.
    for (const name of readdirSync(this.folder)) rmSync(join(this.folder, name));
    // A kernel of a dry run counts as compiled.
    await new Kernel(kernel.label, kernel.code, kernel.entry, {}).compile(this.device.gpu);
    const [file, ...more] = readdirSync(this.folder);
    if (file === undefined) {
      throw new PixtapeError(
        `isa: ${this.device.description} left no SPIR-V of ${kernel.label}`,
        'It takes Mesa 24.1 or newer, which knows MESA_SPIRV_DUMP_PATH.',
      );
    }
    if (more.length > 0) throw new Error(`${kernel.label}: ${more.length + 1} SPIR-V modules for one kernel`);
    return readFileSync(join(this.folder, file));
  }

  close(): void {
    this.device.destroy();
    closeAdapter();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
