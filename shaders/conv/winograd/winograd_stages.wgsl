// 3 x 3 convolution of stride 1 by Winograd's minimal filtering F(R x R, 3 x 3), for GPUs: the transforms before and
// after the matrix products. conv_gemm.wgsl computes those, one for each of the T * T points, T = R + 2. A GPU
// multiplies matrices at its full rate, so it pays to store transformed values; conv_winograd.wgsl is for CPU drivers.
//
//   forward          m = u * v     u: filters_in of w, v: windows_in of x, y = outputs_out of m
//   input gradient   the same of dy and of w with its channels exchanged and its taps reversed
//   weight gradient  u = m * v'    m: gradients_in of dy, v: windows_in of x, dw = filters_out of u
//
// Two texts are appended: winograd_planes.wgsl with the transforms of a window, a filter and a tile, and
// winograd_4.wgsl or winograd_2.wgsl with the one-dimensional transforms.
//
// Layout: x and y (N, C, H, W), w (O, C, 3, 3) with strides given by the caller; u (T * T, O, C), v (T * T, C, tiles)
// and m (T * T, O, tiles), where tiles are numbered over the whole batch.
//
// Tiling: one invocation transforms one window, filter or tile in registers. Neighbours have neighbouring tiles (or
// filters), so each of the T * T values that they read or write is adjacent to the neighbour's.
// Source: Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural Networks".

struct Params {
  // Invocations: channels times tiles, or filters.
  n: u32,
  channels: u32,
  // Sides of the picture that is read or written.
  height: u32,
  width: u32,
  // Tiles in a row, in a picture, and in the batch.
  tiles_x: u32,
  tiles: u32,
  all_tiles: u32,
  // How far outside the picture the first window begins.
  pad_h: i32,
  pad_w: i32,
  // Filters: columns of u; strides of w from one row and one column of u to the next, and one tap; and where tap 0 is.
  cols: u32,
  w_row: i32,
  w_col: i32,
  w_tap: i32,
  w_first: i32,
  has_bias: u32,
  // Slope of a final leaky ReLU; 1 for none.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

// An invocation's channel, and its tile's position: the start of its picture's plane, and its first row and column.
struct Tile {
  channel: u32,
  plane: u32,
  row: u32,
  col: u32,
}

fn tile_of(i: u32) -> Tile {
  let channel = i / p.all_tiles;
  let tile = i % p.all_tiles;
  let here = tile % p.tiles;
  let plane = (tile / p.tiles * p.channels + channel) * p.height * p.width;
  return Tile(channel, plane, here / p.tiles_x * R, here % p.tiles_x * R);
}

// The points of invocation i: point k of all invocations lies together.
fn store_points(i: u32, points: array<f32, POINTS>) {
  // unroll
  for (var k = 0u; k < POINTS; k++) {
    output[k * p.n + i] = points[k];
  }
}

fn load_points(i: u32) -> array<f32, POINTS> {
  var points: array<f32, POINTS>;
  // unroll
  for (var k = 0u; k < POINTS; k++) {
    points[k] = input[k * p.n + i];
  }
  return points;
}

// x or dy -> v
@compute @workgroup_size(LANES)
fn windows_in(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.n) {
    return;
  }
  let tile = tile_of(i);
  let top = i32(tile.row) - p.pad_h;
  let left = i32(tile.col) - p.pad_w;
  var window: array<f32, POINTS>;
  // unroll
  for (var a = 0u; a < T; a++) {
    let h = top + i32(a);
    let row_inside = (h >= 0) & (h < i32(p.height));
    let start = i32(tile.plane) + h * i32(p.width);
    // unroll
    for (var b = 0u; b < T; b++) {
      let q = left + i32(b);
      let inside = row_inside & (q >= 0) & (q < i32(p.width));
      window[a * T + b] = select(0.0, input[select(0, start + q, inside)], inside);
    }
  }
  store_points(i, transform_window(window));
}

// dy -> m
@compute @workgroup_size(LANES)
fn gradients_in(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.n) {
    return;
  }
  let tile = tile_of(i);
  var values: array<f32, OUTPUTS>;
  // unroll
  for (var a = 0u; a < R; a++) {
    // unroll
    for (var b = 0u; b < R; b++) {
      let inside = (tile.row + a < p.height) & (tile.col + b < p.width);
      let from_here = select(0u, tile.plane + (tile.row + a) * p.width + tile.col + b, inside);
      values[a * R + b] = select(0.0, input[from_here], inside);
    }
  }
  store_points(i, transform_gradient(values));
}

// w -> u
@compute @workgroup_size(LANES)
fn filters_in(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.n) {
    return;
  }
  let first = i32(i / p.cols) * p.w_row + i32(i % p.cols) * p.w_col + p.w_first;
  var taps: array<f32, TAPS>;
  // unroll
  for (var u = 0u; u < TAPS; u++) {
    taps[u] = input[first + i32(u) * p.w_tap];
  }
  store_points(i, transform_filter(taps));
}

// m -> y or dx
@compute @workgroup_size(LANES)
fn outputs_out(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.n) {
    return;
  }
  let values = transform_outputs(load_points(i));
  let tile = tile_of(i);
  var start = 0.0;
  if (p.has_bias != 0u) {
    start = bias[tile.channel];
  }
  // unroll
  for (var a = 0u; a < R; a++) {
    // unroll
    for (var b = 0u; b < R; b++) {
      if ((tile.row + a < p.height) & (tile.col + b < p.width)) {
        output[tile.plane + (tile.row + a) * p.width + tile.col + b] = leaky_relu(start + values[a * R + b], p.slope);
      }
    }
  }
}

// u -> dw
@compute @workgroup_size(LANES)
fn filters_out(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.n) {
    return;
  }
  let taps = transform_taps(load_points(i));
  // unroll
  for (var u = 0u; u < TAPS; u++) {
    output[i * TAPS + u] = taps[u];
  }
}
