import { toHalf } from '../../engine/util/half.ts';

/** A small calculation whose result is known, for a driver that has not proved itself. Values are 32-bit words. */
export interface Trial {
  /** The WebGPU feature that it takes, if any. */
  feature?: GPUFeatureName;
  /** Reads binding 0, writes binding 1; one invocation for each value, 64 in a workgroup. */
  code: string;
  groups: number;
  input: readonly number[];
  expected: readonly number[];
}

const GROUP = 64;
/** y = 1.5 x + 0.25 over these is exact in halves: no way of rounding is asked for. */
const VALUES = Float32Array.from({ length: 4 * GROUP }, (_, i) => (i - 2 * GROUP) / 8);
const RESULTS = VALUES.map((x) => 1.5 * x + 0.25);

/** Reads vectors and writes single values, as kernels do; they compute in f32 whatever they store. */
const code = (type: 'f16' | 'f32') => `${type === 'f16' ? 'enable f16;\n' : ''}
@group(0) @binding(0) var<storage, read> x: array<vec4<${type}>>;
@group(0) @binding(1) var<storage, read_write> y: array<${type}>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  y[id.x] = ${type}(1.5 * f32(x[id.x / 4u][id.x % 4u]) + 0.25);
}`;

const words = (values: Uint16Array | Float32Array): number[] => [
  ...new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4),
];

const groups = VALUES.length / GROUP;

export const FLOATS: Trial = { code: code('f32'), groups, input: words(VALUES), expected: words(RESULTS) };

export const HALVES: Trial = {
  feature: 'shader-f16',
  code: code('f16'),
  groups,
  input: words(toHalf(VALUES)),
  expected: words(toHalf(RESULTS)),
};
