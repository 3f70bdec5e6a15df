// Bilinear resize: each output pixel mixes the four input pixels around the point where it falls.
//   corners aligned:   source = o * (in - 1) / (out - 1), the first and last pixels fall on each other
//   otherwise:         source = (o + 1/2) * in / out - 1/2, the pictures' edges do; cut off to 0 … in - 1
// The source is a fraction of whole numbers and is kept as one: its floor and the weights are exact on every driver.
//
// Layout: x holds planes of in_h * in_w floats, y planes of out_h * out_w. Workgroup (s, k) takes slice s of the planes
// k, k + groups.y, … of the result, its 64 lanes neighbouring pixels.
// Source: as torch.nn.functional.interpolate(mode='bilinear').

struct Params {
  // Pixels of a plane of the result, its width, and how many pixels are one slice.
  pixels: u32,
  width: u32,
  slice: u32,
  planes: u32,
  // 64 pixels on: so many rows, then so many columns.
  step_rows: u32,
  step_cols: u32,
  in_h: u32,
  in_w: u32,
  out_h: u32,
  out_w: u32,
  // 1: corners aligned
  align: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// The (row, column) 64 pixels on, without a division.
fn next(at: vec2u) -> vec2u {
  let col = at.y + p.step_cols;
  let over = col >= p.width;
  return vec2u(at.x + p.step_rows + select(0u, 1u, over), select(col, col - p.width, over));
}

// The denominator of every source position along an axis.
fn whole(to: u32) -> u32 {
  return select(2u * to, max(to, 2u) - 1u, p.align != 0u);
}

// Where output o falls along an axis of `side` input and `to` output pixels, in units of 1 / whole(to).
fn source(o: u32, side: u32, to: u32) -> u32 {
  if (p.align != 0u) {
    return o * (side - 1u);
  }
  return min(max((2u * o + 1u) * side, to) - to, (side - 1u) * 2u * to);
}

@compute @workgroup_size(64)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    var at = vec2u(start / p.width, start % p.width);
    for (var i = start; i < end; i += 64u) {
      let v = source(at.x, p.in_h, p.out_h);
      let u = source(at.y, p.in_w, p.out_w);
      let top = v / whole(p.out_h);
      let left = u / whole(p.out_w);
      let down = f32(v - top * whole(p.out_h)) / f32(whole(p.out_h));
      let right = f32(u - left * whole(p.out_w)) / f32(whole(p.out_w));
      let a = (k * p.in_h + top) * p.in_w + left;
      let c = (k * p.in_h + min(top + 1u, p.in_h - 1u)) * p.in_w + left;
      let beside = min(left + 1u, p.in_w - 1u) - left;
      let above = (1.0 - right) * x[a] + right * x[a + beside];
      let below = (1.0 - right) * x[c] + right * x[c + beside];
      y[k * p.pixels + i] = (1.0 - down) * above + down * below;
      at = next(at);
    }
  }
}

// dx: each input pixel gathers from the outputs that fell less than one pixel away, in a fixed order. The planes walked
// through are those of x.

@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// How much of input i output o took: 1 on it, falling to 0 one pixel away.
fn share(i: u32, o: u32, side: u32, to: u32) -> f32 {
  let unit = whole(to);
  let distance = abs(i32(source(o, side, to)) - i32(i * unit));
  return f32(max(i32(unit) - distance, 0)) / f32(unit);
}

// The first output that falls less than one pixel before input i.
fn first_from(i: u32, side: u32, to: u32) -> u32 {
  if (i == 0u) {
    return 0u;
  }
  if (p.align != 0u) {
    return (i - 1u) * whole(to) / (side - 1u) + 1u;
  }
  return ((2u * i - 1u) * to / side + 1u) / 2u;
}

// One past the last output that falls less than one pixel behind it.
fn end_from(i: u32, side: u32, to: u32) -> u32 {
  if (i == side - 1u) {
    return to;
  }
  if (p.align != 0u) {
    return min(((i + 1u) * whole(to) - 1u) / (side - 1u) + 1u, to);
  }
  return min((((2u * i + 3u) * to - 1u) / side + 1u) / 2u, to);
}

@compute @workgroup_size(64)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    var at = vec2u(start / p.width, start % p.width);
    for (var i = start; i < end; i += 64u) {
      let top = first_from(at.x, p.in_h, p.out_h);
      let bottom = end_from(at.x, p.in_h, p.out_h);
      let left = first_from(at.y, p.in_w, p.out_w);
      let right = end_from(at.y, p.in_w, p.out_w);
      var sum = 0.0;
      for (var v = top; v < bottom; v++) {
        var across = 0.0;
        for (var u = left; u < right; u++) {
          across += share(at.y, u, p.in_w, p.out_w) * dy[(k * p.out_h + v) * p.out_w + u];
        }
        sum += share(at.x, v, p.in_h, p.out_h) * across;
      }
      dx[k * p.pixels + i] = sum;
      at = next(at);
    }
  }
}
