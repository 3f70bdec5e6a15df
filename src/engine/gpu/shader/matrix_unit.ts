import ofType from '../../../../shaders/matrix_unit/subgroup_matrix.wgsl';
import ofFlag from '../../../../shaders/matrix_unit/subgroup_matrix_flag.wgsl';
import trialSource from '../../../../shaders/matrix_unit/trial.wgsl';
import { BufferUsage, MAP_MODE_READ } from '../constants.ts';
import { type ShaderConstants, unroll, withConstants } from './wgsl.ts';

/**
 * A GPU's matrix unit ("tensor cores"), by which a subgroup multiplies halves and sums up in floats: WebGPU's feature
 * `chromium-experimental-subgroup-matrix`, which is no standard yet. Its spelling in WGSL changes, and drivers are young, so
 * it counts as there where a small product of it comes out right.
 */
export interface MatrixUnit {
  /** It multiplies m × k by k × n. */
  m: number;
  n: number;
  k: number;
  /** Invocations of a subgroup, and the most that a subgroup of the device may have. */
  subgroup: number;
  largestSubgroup: number;
  /** The operations in WGSL, as `shaders/matrix_unit/subgroup_matrix.wgsl` has them. */
  operations: string;
}

/** The features of WebGPU that it takes, beside halves and subgroups; the latter only where subgroups have several sizes. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix' as GPUFeatureName;
export const SIZED_FEATURE = 'subgroup-size-control' as GPUFeatureName;

/** A size that an adapter offers, as its `info.subgroupMatrixConfigs` says. */
export interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** What an adapter says of itself, as far as it matters here. */
export interface MatrixInfo {
  subgroupMinSize?: number;
  subgroupMaxSize?: number;
  subgroupMatrixConfigs?: readonly MatrixConfig[];
}

/** Depth steps that kernels take at once. */
const DEPTH = 16;
const SPELLINGS: readonly string[] = [ofType, ofFlag];

/** The units that an adapter says it has, in each spelling; those that multiply most at once first. */
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

/** A kernel's text with the operations of a unit, each entry point in subgroups of its size. */
export function onMatrixUnit({ operations, subgroup, largestSubgroup }: MatrixUnit, text: string): string {
  if (subgroup === largestSubgroup) return `${operations}\n${text}`;
  const sized = text.replace(/@compute @workgroup_size\(\w+\)/g, '$& @subgroup_size(SUBGROUP)');
  return `enable subgroup_size_control;\n${operations}\n${sized}`;
}

/** The unit's sizes, under the names that shaders give them. */
export const matrixConstants = ({ m, n, k, subgroup }: MatrixUnit): ShaderConstants => ({
  M: m,
  N: n,
  K: k,
  SUBGROUP: subgroup,
  FOUR: 4,
});

/** A product whose result is known: writes binding 1 from one workgroup. */
export interface MatrixTrial {
  /** Features of WebGPU that the code takes. */
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

/** The first unit that this device multiplies right with; undefined if there is none. */
export async function findMatrixUnit(gpu: GPUDevice, info: MatrixInfo): Promise<MatrixUnit | undefined> {
  for (const unit of matrixUnits(info, gpu.features)) if (await multipliesRight(gpu, matrixTrial(unit))) return unit;
  return undefined;
}

/** Runs a trial. A device that refuses it, in whichever way, is left as it was. */
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
    // Another spelling, or a size that the device does not have after all: the next one may do.
  }
  result.destroy();
  staging.destroy();
  const error = await gpu.popErrorScope();
  return !error && found !== undefined && expected.every((value, i) => found[i] === value);
}
