// Parameters and bindings of the products of matrices. Appended to matmul.wgsl and matmul_lanes.wgsl.

struct Params {
  m: u32,
  n: u32,
  depth: u32,
  batch: u32,
  a_row: u32,
  a_col: u32,
  b_row: u32,
  b_col: u32,
  // The two inner axes of z, and the strides of a and b along all three.
  size_1: u32,
  size_2: u32,
  a_0: u32,
  a_1: u32,
  a_2: u32,
  b_0: u32,
  b_1: u32,
  b_2: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
