// subgroup_matrix.wgsl in the spelling before the end of 2025: layout is an argument, and matrices are in arrays of
// scalars.

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

alias Left = subgroup_matrix_left<f16, K, M>;
alias Right = subgroup_matrix_right<f16, N, K>;
alias Sum = subgroup_matrix_result<f32, N, M>;

var<workgroup> a_tile: array<f16, 4 * A_VECTORS>;
var<workgroup> b_tile: array<f16, 4 * B_VECTORS>;

fn subgroup_of(t: u32, id: u32) -> u32 {
  return id;
}

fn put_a(at: u32, v: vec4f) {
  let halves = vec4<f16>(v);
  // unroll
  for (var i = 0u; i < FOUR; i++) {
    a_tile[4u * at + i] = halves[i];
  }
}

fn put_b(at: u32, v: vec4f) {
  let halves = vec4<f16>(v);
  // unroll
  for (var i = 0u; i < FOUR; i++) {
    b_tile[4u * at + i] = halves[i];
  }
}

fn left_at(at: u32) -> Left {
  return subgroupMatrixLoad<Left>(&a_tile, 4u * at, false, 4u * LINE);
}

fn right_at(at: u32) -> Right {
  return subgroupMatrixLoad<Right>(&b_tile, 4u * at, true, 4u * LINE);
}

fn multiply_add(left: Left, right: Right, sum: Sum) -> Sum {
  return subgroupMatrixMultiplyAccumulate(left, right, sum);
}

fn put_sum(sum: Sum, at: u32) {
  subgroupMatrixStore(&patches, at, sum, false, N);
}
