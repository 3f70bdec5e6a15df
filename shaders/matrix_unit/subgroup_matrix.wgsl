// The operations of conv_matrix.wgsl on the matrices of a subgroup, in the spelling of Dawn since the end of 2025: the layout
// is a parameter of the type. subgroup_matrix_flag.wgsl has the one before. Put in front of the kernel, for its directives.
//
// Layout: a row of `a_tile`, or a column of `b_tile`, is LINE vectors of four halves, and offsets count such vectors. A patch
// is row-major, N floats a row.
//
// Tiling: Left is M x K, Right K x N, Sum M x N, each held by one subgroup together. Call what takes or makes one of them from
// all of its invocations, with the same arguments.
// Source: Dawn's docs/dawn/features/subgroup_matrix.md.

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

alias Left = subgroup_matrix_left<f16, K, M>;
alias Right = subgroup_matrix_right<f16, N, K>;
alias Sum = subgroup_matrix_result<f32, N, M>;

var<workgroup> a_tile: array<vec4<f16>, A_VECTORS>;
var<workgroup> b_tile: array<vec4<f16>, B_VECTORS>;

// Which subgroup of its workgroup an invocation is in.
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
