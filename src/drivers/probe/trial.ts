import { toHalf } from '../../engine/util/half.ts';

/** A small calculation with a known result, for an unproven driver. Values are 32-bit words. */
export interface Trial {
  /** The WebGPU feature that it needs, if any. */
  feature?: GPUFeatureName;
  /** Further ones, if the adapter has them. */
  beside?: readonly GPUFeatureName[];
  /** Reads binding 0, unless there is no input, and writes binding 1. */
  code: string;
  groups: number;
  input: readonly number[];
  expected: readonly number[];
}

const GROUP = 64;
/** y = 1.5 x + 0.25 is exact in halves for these values, so that rounding modes do not matter. */
const VALUES = Float32Array.from({ length: 4 * GROUP }, (_, i) => (i - 2 * GROUP) / 8);
const RESULTS = VALUES.map((x) => 1.5 * x + 0.25);

/** Reads vectors and writes scalars, as our kernels do. Computes in f32 whatever the storage type. */
const code = (type: 'f16' | 'f32') => `${type === 'f16' ? 'enable f16;\n' : ''}
@group(0) @binding(0) var<storage, read> x: array<vec4<${type}>>;
@group(0) @binding(1) var<storage, read_write> y: array<${type}>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  y[id.x] = ${type}(1.5 * f32(x[id.x / 4u][id.x % 4u]) + 0.25);
}`;

/** Their bytes as 32-bit words. */
export const wordsOf = (values: Uint16Array | Float32Array): number[] => [
  ...new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4),
];

const groups = VALUES.length / GROUP;

export const FLOATS: Trial = { code: code('f32'), groups, input: wordsOf(VALUES), expected: wordsOf(RESULTS) };

export const HALVES: Trial = {
  feature: 'shader-f16',
  code: code('f16'),
  groups,
  input: wordsOf(toHalf(VALUES)),
  expected: wordsOf(toHalf(RESULTS)),
};
