import type { Kernel } from '../../src/engine/gpu/shader/kernel.ts';
import { type Counts, hotLoop } from './assembly.ts';
import type { DawnCompiler } from './mesa/dawn.ts';
import type { Compiled, Radv } from './mesa/radv.ts';
import { resizeMatrices } from './mesa/spirv.ts';

/** The sides of RDNA 3's matrices. */
export const MATRIX_SIDE = 16;

/** A GPU to compile for. */
export interface Target {
  title: string;
  gpu: Radv;
  /** Lanes of a wave: Mesa's default for compute is 64; waves of 32 can issue two instructions at once on RDNA 3. */
  wave: 32 | 64;
}

/** The result of compiling a kernel for a target. */
export interface Inspection {
  registers: number;
  /** Vector and scalar registers spilled to memory. */
  spills: number;
  workgroupMemory: number;
  /** Waves of 32 lanes that a SIMD unit holds at once; one of 64 counts as two. */
  waves: number;
  /** The compiler's estimates for one wave from start to end, in cycles: alone, and its share when the SIMD is full. */
  latency: number;
  inverseThroughput: number;
  loop: boolean;
  counts: Counts;
  assembly: string;
}

/** Compiles kernels, once for each target. */
export class Inspector {
  private readonly dawn: DawnCompiler;
  private readonly done = new Map<string, Promise<Inspection[]>>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(dawn: DawnCompiler) {
    this.dawn = dawn;
  }

  /** One inspection for each target. */
  inspect(kernel: Kernel, targets: readonly Target[]): Promise<Inspection[]> {
    const key = `${kernel.entry}\n${kernel.code}`;
    let found = this.done.get(key);
    if (!found) {
      // Compile one at a time: only the order tells which SPIR-V belongs to which kernel.
      found = this.last.then(async () => {
        const spirv = await this.dawn.spirv(kernel);
        const code = /\bsubgroupMatrix/.test(kernel.code) ? resizeMatrices(spirv, MATRIX_SIDE) : spirv;
        return targets.map(({ gpu, wave }) => inspection(gpu.compile(code, wave)));
      });
      this.last = found;
      this.done.set(key, found);
    }
    return found;
  }
}

function inspection({ statistics, assembly }: Compiled): Inspection {
  const figure = (name: string): number => {
    const value = statistics.get(name);
    if (value === undefined) throw new Error(`this Mesa does not tell "${name}"`);
    return value;
  };
  return {
    registers: figure('VGPRs'),
    spills: figure('Spilled VGPRs') + figure('Spilled SGPRs'),
    workgroupMemory: figure('LDS size'),
    waves: figure('Subgroups per SIMD'),
    latency: figure('Latency'),
    inverseThroughput: figure('Inverse Throughput'),
    ...hotLoop(assembly),
    assembly,
  };
}

/** The share of a loop's vector instructions that are multiply-adds. */
export const share = ({ counts }: Pick<Inspection, 'counts'>): number =>
  counts.vector === 0 ? 0 : counts.multiplyAddIssues / counts.vector;
