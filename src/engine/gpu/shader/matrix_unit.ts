import ofType from '../../../../shaders/matrix_unit/subgroup_matrix.wgsl';
import ofFlag from '../../../../shaders/matrix_unit/subgroup_matrix_flag.wgsl';
import trialSource from '../../../../shaders/matrix_unit/trial.wgsl';
import { BufferUsage, MAP_MODE_READ } from '../constants.ts';
import { type ShaderConstants, unroll, withConstants } from './wgsl.ts';

/**
 * A GPU's matrix unit ("tensor cores"): a subgroup multiplies matrices of halves and sums in floats. This is WebGPU's
 * feature `chromium-experimental-subgroup-matrix`, which is not standard yet. Its spelling in WGSL changes, and drivers
 * are young, so a unit is used only if a small product comes out right.
 */
export interface MatrixUnit {
  /** Multiplies m × k by k × n. */
  m: number;
  n: number;
  k: number;
  /** Invocations of a subgroup, and the largest subgroup that the device may have. */
  subgroup: number;
  largestSubgroup: number;
  /** Its operations in WGSL; see `shaders/matrix_unit/subgroup_matrix.wgsl`. */
  operations: string;
}

/** WebGPU features that it needs besides halves and subgroups. SIZED_FEATURE only if subgroups have several sizes. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix' as GPUFeatureName;
export const SIZED_FEATURE = 'subgroup-size-control' as GPUFeatureName;

/** A size that an adapter offers in `info.subgroupMatrixConfigs`. */
export interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** The part of an adapter's information that matters here. */
export interface MatrixInfo {
  subgroupMinSize?: number;
  subgroupMaxSize?: number;
  subgroupMatrixConfigs?: readonly MatrixConfig[];
}

/** Depth steps of one pass of the kernels. */
const DEPTH = 16;
const SPELLINGS: readonly string[] = [ofType, ofFlag];

/** The units that an adapter lists, in each spelling; those with the largest products first. */
export function matrixUnits(info: MatrixInfo, features: ReadonlySet<string>): MatrixUnit[] {
  if (![MATRIX_FEATURE, 'subgroups', 'shader-f16'].every((name) => features.has(name))) return [];
  const { subgroupMinSize: subgroup = 0, subgroupMaxSize: largestSubgroup = 0, subgroupMatrixConfigs = [] } = info;
  if (subgroup === 0 || (subgroup !== largestSubgroup && !features.has(SIZED_FEATURE))) return [];
  return [...subgroupMatrixConfigs]
    .filter(({ componentType, resultComponentType, M, N, K }) => {
      const halves = componentType === 'f16' && resultComponentType === 'f32';
      return halves && DEPTH % K === 0 && K % 4 === 0 && subgroup % N === 0 && (M * N) % subgroup === 0;
    })
    .sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K)
    .flatMap(({ M: m, N: n, K: k }) =>
      SPELLINGS.map((operations) => ({ m, n, k, subgroup, largestSubgroup, operations })),
    );
}

/** A kernel's text with a unit's operations. Each entry point runs in subgroups of the unit's size. */
export function onMatrixUnit({ operations, subgroup, largestSubgroup }: MatrixUnit, text: string): string {
  if (subgroup === largestSubgroup) return `${operations}\n${text}`;
  const sized = text.replace(/@compute @workgroup_size\(\w+\)/g, '$& @subgroup_size(SUBGROUP)');
  return `enable subgroup_size_control;\n${operations}\n${sized}`;
}

/** The unit's sizes as constants of a shader. */
export const matrixConstants = ({ m, n, k, subgroup }: MatrixUnit): ShaderConstants => ({
  M: m,
  N: n,
  K: k,
  SUBGROUP: subgroup,
  FOUR: 4,
});

/** A product with a known result: one workgroup writes it to binding 1. */
export interface MatrixTrial {
  /** WebGPU features that the code needs. */
  features: readonly GPUFeatureName[];
  code: string;
  expected: Float32Array;
}

/** See `shaders/matrix_unit/trial.wgsl`. */
export function matrixTrial(unit: MatrixUnit): MatrixTrial {
  const { m, n, k, subgroup, largestSubgroup } = unit;
  const subgroups = largestSubgroup / subgroup;
  const depth = 2 * k;
  const constants = { ...matrixConstants(unit), SUBGROUPS: subgroups, STEPS: 2 };
  const expected = Float32Array.from({ length: subgroups * m * n }, (_, i) => {
    const [row, col] = [Math.floor(i / n) % m, i % n];
    let sum = 0;
    for (let step = 0; step < depth; step++) sum += (3 * row - step) * (step - 2 * col);
    return sum;
  });
  const sized = subgroup === largestSubgroup ? [] : [SIZED_FEATURE];
  const features = [MATRIX_FEATURE, ...(['subgroups', 'shader-f16'] as GPUFeatureName[]), ...sized];
  return { features, code: withConstants(unroll(onMatrixUnit(unit, trialSource), constants), constants), expected };
}

/** The first unit with which this device computes the right product; undefined if there is none. */
export async function findMatrixUnit(gpu: GPUDevice, info: MatrixInfo): Promise<MatrixUnit | undefined> {
  for (const unit of matrixUnits(info, gpu.features)) if (await multipliesRight(gpu, matrixTrial(unit))) return unit;
  return undefined;
}

/** Runs a trial. A device that refuses it in any way stays usable. */
export async function multipliesRight(gpu: GPUDevice, { code, expected }: MatrixTrial): Promise<boolean> {
  gpu.pushErrorScope('validation');
  const size = expected.byteLength;
  const result = gpu.createBuffer({ label: 'matrix trial', size, usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC });
  const staging = gpu.createBuffer({ label: 'matrix trial', size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
  let found: Float32Array | undefined;
  try {
    const module = gpu.createShaderModule({ label: 'matrix trial', code });
    const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const entries = [{ binding: 1, resource: { buffer: result } }];
    pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(result, 0, staging, 0, size);
    gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_MODE_READ);
    found = new Float32Array(staging.getMappedRange()).slice();
  } catch {
    // The device does not have this spelling or size after all. Another one may work.
  }
  result.destroy();
  staging.destroy();
  const error = await gpu.popErrorScope();
  return !error && found !== undefined && expected.every((value, i) => found[i] === value);
}
