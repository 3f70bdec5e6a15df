// Average pool: y = the mean of x under each window, and its transpose, which is its gradient: each pixel gets from
// every window over it the share that it contributed. Each is the gradient of the other.
//
// Constants of the loader: ADAPTIVE, whether out_h * out_w windows cover the picture (window o of an axis covers pixels
// floor(o * in / out) to ceil((o + 1) * in / out) - 1); otherwise they are kernel_h * kernel_w pixels, stride apart,
// over a padded picture. COUNT_PAD, whether zeros of the padding count as values.
//
// Layout: x holds planes of in_h * in_w floats, y planes of out_h * out_w. Workgroup (s, k) takes slice s of the planes
// k, k + groups.y, … of the result, its lanes neighbouring pixels. plane.wgsl is appended.
// Source: as torch.nn.functional.avg_pool2d and adaptive_avg_pool2d.

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
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// Along an axis: the pixels `first` to `end` - 1 under window o, and how many values it counts; or the windows over a
// pixel.
struct Span {
  first: u32,
  end: u32,
  count: u32,
}

fn pixels_of(o: u32, side: u32, to: u32, kernel: u32, stride: u32, pad: u32) -> Span {
  if (ADAPTIVE) {
    let first = o * side / to;
    let end = ((o + 1u) * side + to - 1u) / to;
    return Span(first, end, end - first);
  }
  let first = max(o * stride, pad) - pad;
  let end = min(o * stride + kernel - pad, side);
  return Span(first, end, select(end - first, kernel, COUNT_PAD));
}

fn windows_of(i: u32, side: u32, to: u32, kernel: u32, stride: u32, pad: u32) -> Span {
  if (ADAPTIVE) {
    return Span(i * to / side, ((i + 1u) * to + side - 1u) / side, 0u);
  }
  let first = (max(i + pad, kernel - 1u) - (kernel - 1u) + stride - 1u) / stride;
  return Span(first, min((i + pad) / stride + 1u, to), 0u);
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
      let rows = pixels_of(at.x, p.in_h, p.out_h, p.kernel_h, p.stride_h, p.pad_h);
      let cols = pixels_of(at.y, p.in_w, p.out_w, p.kernel_w, p.stride_w, p.pad_w);
      var sum = 0.0;
      for (var row = rows.first; row < rows.end; row++) {
        for (var col = cols.first; col < cols.end; col++) {
          sum += x[(k * p.in_h + row) * p.in_w + col];
        }
      }
      y[k * p.pixels + i] = sum / f32(rows.count * cols.count);
      at = next(at, p.width);
    }
  }
}

@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

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
      let rows = windows_of(at.x, p.in_h, p.out_h, p.kernel_h, p.stride_h, p.pad_h);
      let cols = windows_of(at.y, p.in_w, p.out_w, p.kernel_w, p.stride_w, p.pad_w);
      var sum = 0.0;
      for (var row = rows.first; row < rows.end; row++) {
        let tall = pixels_of(row, p.in_h, p.out_h, p.kernel_h, p.stride_h, p.pad_h).count;
        for (var col = cols.first; col < cols.end; col++) {
          let wide = pixels_of(col, p.in_w, p.out_w, p.kernel_w, p.stride_w, p.pad_w).count;
          sum += dy[(k * p.out_h + row) * p.out_w + col] / f32(tall * wide);
        }
      }
      dx[k * p.pixels + i] = sum;
      at = next(at, p.width);
    }
  }
}
