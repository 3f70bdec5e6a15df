// A product of whole numbers by a matrix unit, which shows whether the unit is right: M x (STEPS * K) times (STEPS * K)
// x N.
// Layout: as in subgroup_matrix.wgsl. Tiling: one workgroup; each of its SUBGROUPS computes the same. Source: none.

const LINE = STEPS * K / 4u + 2u;
const INVOCATIONS = SUBGROUPS * SUBGROUP;
const EACH = M * N / SUBGROUP;
const A_VECTORS = M * LINE;
const B_VECTORS = N * LINE;

var<workgroup> patches: array<f32, SUBGROUPS * M * N>;

@group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(local_invocation_index) t: u32, @builtin(subgroup_id) id: u32) {
  let steps = vec4f(0.0, 1.0, 2.0, 3.0);
  // a[m, k] = 3 m - k, b[k, n] = k - 2 n.
  for (var i = t; i < M * LINE; i += INVOCATIONS) {
    put_a(i, 3.0 * f32(i / LINE) - (4.0 * f32(i % LINE) + steps));
  }
  for (var i = t; i < N * LINE; i += INVOCATIONS) {
    put_b(i, 4.0 * f32(i % LINE) + steps - 2.0 * f32(i / LINE));
  }
  workgroupBarrier();
  let subgroup = subgroup_of(t, id);
  var sum: Sum;
  // unroll
  for (var s = 0u; s < STEPS; s++) {
    sum = multiply_add(left_at(s * (K / 4u)), right_at(s * (K / 4u)), sum);
  }
  put_sum(sum, subgroup * M * N);
  workgroupBarrier();
  for (var i = t; i < SUBGROUPS * M * N; i += INVOCATIONS) {
    result[i] = patches[i];
  }
}
