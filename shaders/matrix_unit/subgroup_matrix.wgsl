// Operations on a subgroup's matrices, in Dawn's spelling since the end of 2025 (its
// docs/dawn/features/subgroup_matrix.md).
// Layout: offsets count vectors of four halves, LINE per row of a or column of b; a patch is row-major, N floats per
// row.
// Tiling: Left is M x K, Right K x N, Sum M x N. One subgroup holds each. All its calls have the same arguments.

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

alias Left = subgroup_matrix_left<f16, K, M>;
alias Right = subgroup_matrix_right<f16, N, K>;
alias Sum = subgroup_matrix_result<f32, N, M>;

var<workgroup> a_tile: array<vec4<f16>, A_VECTORS>;
var<workgroup> b_tile: array<vec4<f16>, B_VECTORS>;

// The number of an invocation's subgroup in its workgroup.
fn subgroup_of(t: u32, id: u32) -> u32 {
  return id;
}

fn put_a(at: u32, v: vec4f) {
  a_tile[at] = vec4<f16>(v);
}

fn put_b(at: u32, v: vec4f) {
  b_tile[at] = vec4<f16>(v);
}

fn left_at(at: u32) -> Left {
  return subgroupMatrixLoad<Left, row_major>(&a_tile, at, LINE);
}

fn right_at(at: u32) -> Right {
  return subgroupMatrixLoad<Right, col_major>(&b_tile, at, LINE);
}

fn multiply_add(left: Left, right: Right, sum: Sum) -> Sum {
  return subgroupMatrixMultiplyAccumulate(left, right, sum);
}

fn put_sum(sum: Sum, at: u32) {
  subgroupMatrixStore<row_major>(&patches, at, sum, N);
}
