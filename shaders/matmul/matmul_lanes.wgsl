// Products of many pairs of matrices, as matmul.wgsl, for drivers that run on a CPU. Parameters and bindings are in
// matmul_params.wgsl, which is appended.
//
// Tiling: a workgroup is one subgroup and computes LANES rows by COLS * LANES columns of y. Each lane owns COLS
// columns, LANES apart, in all the rows. Per step of depth it loads its columns' values and one row's value of a, which
// is broadcast to all lanes: LANES * COLS multiply-adds for 1 + COLS loads, and loads dominate on such drivers.
//
// `&` and not `&&` between conditions: SwiftShader compiles the branches of the latter in exponential time.

enable subgroups;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_row = group.y * LANES;
  let col = group.x * LANES * COLS + lane;
  for (var z = group.z; z < p.batch; z += groups.z) {
    let inner = z % p.size_2;
    let middle = z / p.size_2 % p.size_1;
    let outer = z / p.size_2 / p.size_1;
    // Rows and columns beyond the last repeat it; their results are not stored.
    var a_here = outer * p.a_0 + middle * p.a_1 + inner * p.a_2 + min(first_row + lane, p.m - 1u) * p.a_row;
    var b_here = outer * p.b_0 + middle * p.b_1 + inner * p.b_2;
    var sums: array<f32, LANES * COLS>;
    for (var k = 0u; k < p.depth; k++) {
      let own = a[a_here];
      var right: array<f32, COLS>;
      // unroll
      for (var j = 0u; j < COLS; j++) {
        right[j] = b[b_here + min(col + j * LANES, p.n - 1u) * p.b_col];
      }
      // unroll
      for (var i = 0u; i < LANES; i++) {
        let left = subgroupBroadcast(own, i);
        // unroll
        for (var j = 0u; j < COLS; j++) {
          sums[i * COLS + j] += left * right[j];
        }
      }
      a_here += p.a_col;
      b_here += p.b_row;
    }
    for (var i = 0u; i < LANES; i++) {
      for (var j = 0u; j < COLS; j++) {
        let here = col + j * LANES;
        if ((first_row + i < p.m) & (here < p.n)) {
          y[(z * p.m + first_row + i) * p.n + here] = sums[i * COLS + j];
        }
      }
    }
  }
}
