// Products of many pairs of matrices: y[z] = a[z] * b[z], each (m, depth) * (depth, n) -> (m, n), for GPUs. The
// caller's strides can transpose either operand, or use one matrix for several z. matmul_lanes.wgsl is for CPU drivers;
// a product, or a batch that repeats no matrix, is a 1 x 1 convolution (product.ts).
//
// Layout: element (i, k) of a matrix of a is at offset i * a_row + k * a_col, likewise for b; y is row-major. z counts
// through up to three axes, the last one innermost. Parameters and bindings are in matmul_params.wgsl, which is
// appended.
//
// Tiling: a workgroup of 16 x 16 computes a tile of 64 x 64 of y, each invocation EACH x EACH (4 x 4) of it in
// registers. An invocation's rows and columns are 16 apart, so that neighbours write neighbours. For each STEP of depth
// the workgroup copies 64 x STEP of each operand into workgroup memory, where each value is used 64 times. The lanes
// read along the axis with stride 1. The loads do not run ahead of the sums: see conv_gemm.wgsl for that.
// Source: Volkov & Demmel 2008, "Benchmarking GPUs to Tune Dense Linear Algebra".

const SIDE = 64u;
const STEP = 16u;
const LINE = 16u;
const PADDED = SIDE + 1u;

var<workgroup> a_tile: array<f32, STEP * PADDED>;
var<workgroup> b_tile: array<f32, STEP * PADDED>;

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) t: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_row = group.y * SIDE;
  let first_col = group.x * SIDE;
  for (var z = group.z; z < p.batch; z += groups.z) {
    let inner = z % p.size_2;
    let middle = z / p.size_2 % p.size_1;
    let outer = z / p.size_2 / p.size_1;
    let a_begin = outer * p.a_0 + middle * p.a_1 + inner * p.a_2;
    let b_begin = outer * p.b_0 + middle * p.b_1 + inner * p.b_2;
    var sums: array<f32, EACH * EACH>;
    for (var k = 0u; k < p.depth; k += STEP) {
      for (var i = lane; i < SIDE * STEP; i += 256u) {
        let place = select(vec2u(i / STEP, i % STEP), vec2u(i % SIDE, i / SIDE), p.a_row == 1u);
        let row = first_row + place.x;
        let inside = (row < p.m) & (k + place.y < p.depth);
        let from_here = a_begin + row * p.a_row + (k + place.y) * p.a_col;
        a_tile[place.y * PADDED + place.x] = select(0.0, a[select(0u, from_here, inside)], inside);
      }
      for (var i = lane; i < SIDE * STEP; i += 256u) {
        let place = select(vec2u(i / STEP, i % STEP), vec2u(i % SIDE, i / SIDE), p.b_col == 1u);
        let col = first_col + place.x;
        let inside = (col < p.n) & (k + place.y < p.depth);
        let from_here = b_begin + col * p.b_col + (k + place.y) * p.b_row;
        b_tile[place.y * PADDED + place.x] = select(0.0, b[select(0u, from_here, inside)], inside);
      }
      workgroupBarrier();
      for (var u = 0u; u < STEP; u++) {
        var left: array<f32, EACH>;
        var right: array<f32, EACH>;
        // unroll
        for (var i = 0u; i < EACH; i++) {
          left[i] = a_tile[u * PADDED + t.y + i * LINE];
          right[i] = b_tile[u * PADDED + t.x + i * LINE];
        }
        // unroll
        for (var i = 0u; i < EACH; i++) {
          // unroll
          for (var j = 0u; j < EACH; j++) {
            sums[i * EACH + j] += left[i] * right[j];
          }
        }
      }
      workgroupBarrier();
    }
    // unroll
    for (var i = 0u; i < EACH; i++) {
      // unroll
      for (var j = 0u; j < EACH; j++) {
        let row = first_row + t.y + i * LINE;
        let col = first_col + t.x + j * LINE;
        if (row < p.m && col < p.n) {
          y[(z * p.m + row) * p.n + col] = sums[i * EACH + j];
        }
      }
    }
  }
}
