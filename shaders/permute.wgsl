// Any permutation of up to four axes: y[a, b, c, d] = x[a * stride_a + b * stride_b + c * stride_c + d * stride_d], the
// strides being those of the source's axes in the order of the result's.
//
// Layout: y (A, B, C, D), row-major; fewer axes have leading ones. The last two axes make a plane. Workgroup (s, k) takes
// slice s of the planes k, k + groups.y, …, its 64 lanes neighbouring elements. Reads are neighbours too only where the
// last axis stays the last; permute_tiled.wgsl is for the others where that matters.

struct Params {
  // Elements of a plane (C * D), its width (D), and how many elements are one slice.
  pixels: u32,
  width: u32,
  slice: u32,
  planes: u32,
  // 64 elements on: so many rows, then so many columns.
  step_rows: u32,
  step_cols: u32,
  b: u32,
  stride_a: u32,
  stride_b: u32,
  stride_c: u32,
  stride_d: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// The (row, column) 64 elements on, without a division.
fn next(at: vec2u) -> vec2u {
  let col = at.y + p.step_cols;
  let over = col >= p.width;
  return vec2u(at.x + p.step_rows + select(0u, 1u, over), select(col, col - p.width, over));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    var at = vec2u(start / p.width, start % p.width);
    for (var i = start; i < end; i += 64u) {
      let plane = k / p.b * p.stride_a + k % p.b * p.stride_b;
      y[k * p.pixels + i] = x[plane + at.x * p.stride_c + at.y * p.stride_d];
      at = next(at);
    }
  }
}
