// A window onto each plane: result[k, i, j] = x[k, i + down, j + right], and 0 where that lies outside x. A window that
// lies within is a crop; the gradient of a crop is the same with the offsets negated, a window larger than its plane.
//
// Layout: x holds planes of from_h * from_w floats, the result planes of `pixels`. Workgroup (s, k) takes slice s of the
// planes k, k + groups.y, …, its 64 lanes neighbouring pixels.

struct Params {
  // Pixels of a plane of the result, its width, and how many pixels are one slice.
  pixels: u32,
  width: u32,
  slice: u32,
  planes: u32,
  // 64 pixels on: so many rows, then so many columns.
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

// The (row, column) 64 pixels on, without a division.
fn next(at: vec2u) -> vec2u {
  let col = at.y + p.step_cols;
  let over = col >= p.width;
  return vec2u(at.x + p.step_rows + select(0u, 1u, over), select(col, col - p.width, over));
}

@compute @workgroup_size(64)
fn window(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    var at = vec2u(start / p.width, start % p.width);
    for (var i = start; i < end; i += 64u) {
      let row = i32(at.x) + p.down;
      let col = i32(at.y) + p.right;
      var value = 0.0;
      if (row >= 0 && row < i32(p.from_h) && col >= 0 && col < i32(p.from_w)) {
        value = x[(k * p.from_h + u32(row)) * p.from_w + u32(col)];
      }
      result[k * p.pixels + i] = value;
      at = next(at);
    }
  }
}
