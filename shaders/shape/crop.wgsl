// A window onto each plane: result[k, i, j] = x[k, i + down, j + right], and 0 where that lies outside x. A window that
// lies within is a crop; the gradient of a crop is the same with the offsets negated, a window larger than its plane.
//
// Layout: x holds planes of from_h * from_w floats, the result planes of `pixels`. Workgroup (s, k) takes slice s of the
// planes k, k + groups.y, …, its lanes neighbouring pixels. plane.wgsl is appended.

struct Params {
  // Pixels of a plane of the result, its width, and how many pixels are one slice.
  pixels: u32,
  width: u32,
  slice: u32,
  planes: u32,
  // A step of LANES pixels, as rows and columns.
  step_rows: u32,
  step_cols: u32,
  from_h: u32,
  from_w: u32,
  down: i32,
  right: i32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(LANES)
fn window(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let q = p;
  let start = group.x * q.slice + t;
  let end = min((group.x + 1u) * q.slice, q.pixels);
  for (var k = group.y; k < q.planes; k += groups.y) {
    var at = vec2u(start / q.width, start % q.width);
    for (var i = start; i < end; i += LANES) {
      let row = i32(at.x) + q.down;
      let col = i32(at.y) + q.right;
      let inside = (row >= 0) & (row < i32(q.from_h)) & (col >= 0) & (col < i32(q.from_w));
      let from_here = select(0u, (k * q.from_h + u32(row)) * q.from_w + u32(col), inside);
      result[k * q.pixels + i] = select(0.0, x[from_here], inside);
      at = next(at, q.width);
    }
  }
}
