// Nearest-neighbour resize: output o of an axis takes input floor(o * in / out), and its transpose, which is its
// gradient: each input pixel gets the sum of the outputs that took it. Each is the gradient of the other.
// The product is rounded to a float as in PyTorch, so that both take the same pixel even if rounding misses the exact
// one.
//
// Layout: x holds planes of in_h * in_w floats, y planes of out_h * out_w. Workgroup (s, k) takes slice s of the planes
// k, k + groups.y, … of the result, its lanes neighbouring pixels. plane.wgsl is appended.
// Source: as torch.nn.functional.interpolate(mode='nearest').

struct Params {
  // Pixels of a plane of the result, its width, and how many pixels are one slice.
  pixels: u32,
  width: u32,
  slice: u32,
  planes: u32,
  // A step of LANES pixels, as rows and columns.
  step_rows: u32,
  step_cols: u32,
  in_h: u32,
  in_w: u32,
  out_h: u32,
  out_w: u32,
  // in / out
  scale_h: f32,
  scale_w: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// The input that output o takes.
fn source(o: u32, side: u32, scale: f32) -> u32 {
  return min(u32(f32(o) * scale), side - 1u);
}

@compute @workgroup_size(LANES)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    var at = vec2u(start / p.width, start % p.width);
    for (var i = start; i < end; i += LANES) {
      let row = source(at.x, p.in_h, p.scale_h);
      y[k * p.pixels + i] = x[(k * p.in_h + row) * p.in_w + source(at.y, p.in_w, p.scale_w)];
      at = next(at, p.width);
    }
  }
}

@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// The first output that takes input i or a later one; `to` if there is none.
fn first_of(i: u32, side: u32, to: u32, scale: f32) -> u32 {
  if (i >= side) {
    return to;
  }
  // Start at or before it, however the division rounds, and search a few steps from there.
  var o = u32(f32(i) / scale);
  o -= min(o, 2u);
  while (o < to) {
    if (source(o, side, scale) >= i) {
      break;
    }
    o++;
  }
  return o;
}

@compute @workgroup_size(LANES)
fn transposed(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    var at = vec2u(start / p.width, start % p.width);
    for (var i = start; i < end; i += LANES) {
      let last_row = first_of(at.x + 1u, p.in_h, p.out_h, p.scale_h);
      let first_col = first_of(at.y, p.in_w, p.out_w, p.scale_w);
      let last_col = first_of(at.y + 1u, p.in_w, p.out_w, p.scale_w);
      var sum = 0.0;
      for (var row = first_of(at.x, p.in_h, p.out_h, p.scale_h); row < last_row; row++) {
        for (var col = first_col; col < last_col; col++) {
          sum += dy[(k * p.out_h + row) * p.out_w + col];
        }
      }
      dx[k * p.pixels + i] = sum;
      at = next(at, p.width);
    }
  }
}
