// 2-D convolution in groups of few channels, down to one (depthwise), for all drivers: forward, and gradient of the
// input. Supports any stride, padding and dilation. Tiles of matrix products would be mostly empty here. What matters
// is few loads per multiplication.
//
//   y[n, o, i, j] = bias[o] + sum over c, u, v of
//     w[o, c, u, v] * x[n, first(o) + c, i * stride - pad + u * dilation, j * stride - pad + v * dilation]
//
// where c counts the channels of o's group, and first(o) is the first of them.
//
// Layout: x (N, C, H, W) and y (N, O, OH, OW) row-major, w with strides given by the caller.
//
// Tiling: an invocation computes a vertical strip of ROWS positions in M channels of one group. Neighbouring lanes have
// neighbouring columns and load neighbouring values. For each input channel and column of the kernel an invocation
// loads the WINDOW rows under its strip once, and uses them for K_H taps, ROWS positions and M channels. Invocations
// number the strips of the whole result, columns first.
// K_H, S_H, D_H: the kernel's height, vertical stride and dilation are constants, because they determine which row of
// the window meets which position. The horizontal ones are not.
// Source: the operation is that of Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural
// Networks" (groups), and of Chollet 2017, "Xception" (depthwise).

struct Params {
  // Invocations.
  n: u32,
  // Input: channels of a group, and sides.
  in_each: u32,
  in_h: u32,
  in_w: u32,
  // Result: channels of a group, groups, and sides.
  out_each: u32,
  groups: u32,
  out_h: u32,
  out_w: u32,
  // Strips in a column, and runs of M channels in a group.
  strips: u32,
  runs: u32,
  kernel_h: u32,
  kernel_w: u32,
  stride_w: u32,
  dilation_w: u32,
  pad_h: i32,
  pad_w: i32,
  // Strides of w: from one group to the next, one channel of the result, one that is summed over, one row of taps, one
  // tap; and where tap 0 is.
  w_group: u32,
  w_out: u32,
  w_in: u32,
  w_row: i32,
  w_tap: i32,
  w_first: u32,
  has_bias: u32,
  // Slope of a final leaky ReLU; 1 for none.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// An invocation's work: its column, its strip, its first channel in the group, the group, and the picture.
struct Place {
  col: u32,
  strip: u32,
  channel: u32,
  group: u32,
  picture: u32,
}

fn place(i: u32) -> Place {
  let strip = i / p.out_w;
  let run = strip / p.strips;
  let group = run / p.runs;
  return Place(i % p.out_w, strip % p.strips, run % p.runs * M, group % p.groups, group / p.groups);
}

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.n) {
    return;
  }
  let at = place(i);
  let top = i32(at.strip * ROWS * S_H) - p.pad_h;
  let weights = p.w_first + at.group * p.w_group + at.channel * p.w_out;
  var sums: array<f32, M * ROWS>;
  for (var c = 0u; c < p.in_each; c++) {
    let plane = ((at.picture * p.groups + at.group) * p.in_each + c) * p.in_h * p.in_w;
    for (var v = 0u; v < p.kernel_w; v++) {
      let q = i32(at.col * p.stride_w + v * p.dilation_w) - p.pad_w;
      let col_inside = (q >= 0) & (q < i32(p.in_w));
      var window: array<f32, WINDOW>;
      // unroll
      for (var k = 0u; k < WINDOW; k++) {
        let h = top + i32(k);
        let inside = col_inside & (h >= 0) & (h < i32(p.in_h));
        window[k] = select(0.0, x[select(0u, plane + u32(h) * p.in_w + u32(q), inside)], inside);
      }
      // unroll
      for (var m = 0u; m < M; m++) {
        let first = i32(weights + m * p.w_out + c * p.w_in) + i32(v) * p.w_tap;
        // unroll
        for (var u = 0u; u < K_H; u++) {
          let weight = w[first + i32(u) * p.w_row];
          // unroll
          for (var r = 0u; r < ROWS; r++) {
            sums[m * ROWS + r] += weight * window[r * S_H + u * D_H];
          }
        }
      }
    }
  }
  let channels = min(M, p.out_each - at.channel);
  let rows = min(ROWS, p.out_h - at.strip * ROWS);
  for (var m = 0u; m < channels; m++) {
    let channel = at.group * p.out_each + at.channel + m;
    var start_value = 0.0;
    if (p.has_bias != 0u) {
      start_value = bias[channel];
    }
    let plane = (at.picture * p.groups * p.out_each + channel) * p.out_h;
    for (var r = 0u; r < rows; r++) {
      let value = start_value + sums[m * ROWS + r];
      y[(plane + at.strip * ROWS + r) * p.out_w + at.col] = leaky_relu(value, p.slope);
    }
  }
}

// The gradient of the input if the stride is not 1; otherwise `forward` computes it, with reversed taps. x is the
// gradient of the output and y that of the input; `in` and `out` again mean x and y. The rows of a strip are S_H apart,
// so that the same taps reach all of them from neighbouring rows of x.
@compute @workgroup_size(LANES)
fn strided_input_gradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * LANES;
  if (i >= p.n) {
    return;
  }
  let at = place(i);
  let top = at.strip / S_H * ROWS * S_H + at.strip % S_H;
  let weights = p.w_first + at.group * p.w_group + at.channel * p.w_out;
  var sums: array<f32, ROWS>;
  for (var u = 0u; u < p.kernel_h; u++) {
    let below = i32(top) + p.pad_h - i32(u * D_H);
    for (var v = 0u; v < p.kernel_w; v++) {
      let beside = i32(at.col) + p.pad_w - i32(v * p.dilation_w);
      if ((below % i32(S_H) == 0) & (beside % i32(p.stride_w) == 0)) {
        let row = below / i32(S_H);
        let col = beside / i32(p.stride_w);
        let col_inside = (col >= 0) & (col < i32(p.in_w));
        let tap = i32(weights) + i32(u) * p.w_row + i32(v) * p.w_tap;
        for (var c = 0u; c < p.in_each; c++) {
          let plane = ((at.picture * p.groups + at.group) * p.in_each + c) * p.in_h;
          let weight = w[tap + i32(c * p.w_in)];
          // unroll
          for (var r = 0u; r < ROWS; r++) {
            let h = row + i32(r);
            let inside = col_inside & (h >= 0) & (h < i32(p.in_h));
            let here = select(0u, (plane + u32(h)) * p.in_w + u32(col), inside);
            sums[r] += weight * select(0.0, x[here], inside);
          }
        }
      }
    }
  }
  let channel = at.group * p.out_each + at.channel;
  var start_value = 0.0;
  if (p.has_bias != 0u) {
    start_value = bias[channel];
  }
  let plane = (at.picture * p.groups * p.out_each + channel) * p.out_h;
  for (var r = 0u; r < ROWS; r++) {
    let h = top + r * S_H;
    if (h < p.out_h) {
      y[(plane + h) * p.out_w + at.col] = start_value + sums[r];
    }
  }
}
