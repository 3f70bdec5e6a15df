// Max-pool: y = the largest x under each window of kernel_h * kernel_w pixels, and its position. Padding never wins.
//
// Ties go to the first in row-major order. A NaN wins over any number, and a later NaN over an earlier one, as in
// PyTorch. The gradient goes to that one position.
//
// Constants of the loader: SIZE, the side of a small square window, whose loops are unrolled, else 0; PADDED, whether
// there is any padding; BEHIND, whether x is the result of a leaky ReLU through which the gradient is propagated, too,
// using the sign of the largest value in `pooled`.
//
// Layout: x holds planes of in_h * in_w floats; y and `place` (the index of the largest in its plane of x) planes of
// out_h * out_w. Workgroup (s, k) takes slice s of the planes k, k + groups.y, … of the result, its lanes neighbouring
// pixels. plane.wgsl, leaky_relu.wgsl and is_nan.wgsl are appended.

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
  kernel_h: u32,
  kernel_w: u32,
  stride_h: u32,
  stride_w: u32,
  pad_h: u32,
  pad_w: u32,
  // Slope of the leaky ReLU.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> place: array<u32>;

struct Best {
  value: f32,
  place: u32,
}

// The better of `best` and the pixel at (row, col) of plane k.
fn better(best: Best, k: u32, row: i32, col: i32) -> Best {
  let inside = !PADDED | ((row >= 0) & (row < i32(p.in_h)) & (col >= 0) & (col < i32(p.in_w)));
  let here = select(best.place, u32(row) * p.in_w + u32(col), inside);
  let value = x[k * p.in_h * p.in_w + here];
  let wins = inside & (is_nan(value) | (!is_nan(best.value) & (value > best.value)));
  return Best(select(best.value, value, wins), select(best.place, here, wins));
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
      let corner = vec2i(at * vec2u(p.stride_h, p.stride_w)) - vec2i(vec2u(p.pad_h, p.pad_w));
      // Minus infinity, for which WGSL has no literal. If all values are minus infinity, the first one that is not
      // padding wins.
      var lowest = 0xff800000u;
      var best = Best(bitcast<f32>(lowest), u32(max(corner.x, 0)) * p.in_w + u32(max(corner.y, 0)));
      if (SIZE > 0u) {
        // unroll
        for (var u = 0u; u < SIZE; u++) {
          // unroll
          for (var v = 0u; v < SIZE; v++) {
            best = better(best, k, corner.x + i32(u), corner.y + i32(v));
          }
        }
      } else {
        for (var u = 0u; u < p.kernel_h; u++) {
          for (var v = 0u; v < p.kernel_w; v++) {
            best = better(best, k, corner.x + i32(u), corner.y + i32(v));
          }
        }
      }
      y[k * p.pixels + i] = best.value;
      place[k * p.pixels + i] = best.place;
      at = next(at, p.width);
    }
  }
}

// dx: each pixel gathers the gradients of the windows over it whose largest value it was, from the first that ends
// after it to the last that starts at or before it. Walks through the planes of x.

@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read> came_from: array<u32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<storage, read> pooled: array<f32>;

fn gradient_of(window: u32) -> f32 {
  if (BEHIND) {
    return leaky_relu_gradient(pooled[window], dy[window], p.slope);
  }
  return dy[window];
}

@compute @workgroup_size(LANES)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  let kernel = vec2u(p.kernel_h, p.kernel_w);
  let stride = vec2u(p.stride_h, p.stride_w);
  for (var k = group.y; k < p.planes; k += groups.y) {
    var at = vec2u(start / p.width, start % p.width);
    for (var i = start; i < end; i += LANES) {
      let padded = at + vec2u(p.pad_h, p.pad_w);
      let first = (max(padded, kernel - 1u) - (kernel - 1u) + stride - 1u) / stride;
      let last = min(padded / stride + 1u, vec2u(p.out_h, p.out_w));
      var sum = 0.0;
      for (var row = first.x; row < last.x; row++) {
        for (var col = first.y; col < last.y; col++) {
          let window = (k * p.out_h + row) * p.out_w + col;
          if (came_from[window] == i) {
            sum += gradient_of(window);
          }
        }
      }
      dx[k * p.pixels + i] = sum;
      at = next(at, p.width);
    }
  }
}

// dx if small windows tile the picture exactly (size = stride, no padding, no remainder): each window writes its own
// pixels. Walks through the planes of y.
@compute @workgroup_size(LANES)
fn backward_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    var at = vec2u(start / p.width, start % p.width);
    for (var i = start; i < end; i += LANES) {
      let gradient = gradient_of(k * p.pixels + i);
      let chosen = came_from[k * p.pixels + i];
      // unroll
      for (var row = 0u; row < SIZE; row++) {
        let pixel = (at.x * SIZE + row) * p.in_w + at.y * SIZE;
        // unroll
        for (var col = 0u; col < SIZE; col++) {
          dx[k * p.in_h * p.in_w + pixel + col] = select(0.0, gradient, pixel + col == chosen);
        }
      }
      at = next(at, p.width);
    }
  }
}

// For second derivatives: y = x at the positions of the maxima of the forward pass. Walks through the planes of y.
@compute @workgroup_size(LANES)
fn pick(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    for (var i = group.x * p.slice + t; i < end; i += LANES) {
      y[k * p.pixels + i] = x[k * p.in_h * p.in_w + came_from[k * p.pixels + i]];
    }
  }
}
