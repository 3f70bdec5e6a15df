// Gradient of the weight of a 2-D convolution in groups of few channels, the sibling of conv_grouped.wgsl:
//
//   dw[o, c, u, v] = sum over n, i, j of
//     dy[n, o, i, j] * x[n, first(o) + c, i * stride - pad + u * dilation, j * stride - pad + v * dilation]
//
// Layout: x (N, C, H, W), dy (N, O, OH, OW), parts (SPLITS * LANES, O, C / G, K_H, K_W): each lane stores its own sum,
// and reduce_split_k.wgsl adds them up in a fixed order. Weights are few here, and a barrier would cost a CPU driver
// more.
//
// Tiling: a workgroup computes the K_H taps of one column v of the kernel, for one o and one c. Its lanes take vertical
// strips of ROWS positions, neighbouring lanes neighbouring columns, and load the WINDOW rows of x under a strip once
// for all taps. Workgroup (k, s) takes split s of the strips of column k; columns that do not fit one dimension
// continue in z.

struct Params {
  batch: u32,
  in_each: u32,
  in_h: u32,
  in_w: u32,
  out_each: u32,
  groups: u32,
  out_h: u32,
  out_w: u32,
  kernel_w: u32,
  stride_w: u32,
  dilation_w: u32,
  pad_h: i32,
  pad_w: i32,
  // Strips in a column of a picture, strips of the whole batch, and strips of one split.
  strips: u32,
  all_strips: u32,
  share: u32,
  // Columns of the kernel for all o and c, and values of one part.
  columns: u32,
  part_size: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> parts: array<f32>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = group.x + group.z * groups.x;
  if (column >= p.columns) {
    return;
  }
  let v = column % p.kernel_w;
  let c = column / p.kernel_w % p.in_each;
  let o = column / p.kernel_w / p.in_each;
  let in_channel = o / p.out_each * p.in_each + c;
  let end = min((group.y + 1u) * p.share, p.all_strips);
  var sums: array<f32, K_H>;
  for (var i = group.y * p.share + lane; i < end; i += LANES) {
    let col = i % p.out_w;
    let row = i / p.out_w % p.strips * ROWS;
    let n = i / p.out_w / p.strips;
    let q = i32(col * p.stride_w + v * p.dilation_w) - p.pad_w;
    let col_inside = (q >= 0) & (q < i32(p.in_w));
    let top = i32(row * S_H) - p.pad_h;
    let plane = (n * p.groups * p.in_each + in_channel) * p.in_h * p.in_w;
    var window: array<f32, WINDOW>;
    // unroll
    for (var k = 0u; k < WINDOW; k++) {
      let h = top + i32(k);
      let inside = col_inside & (h >= 0) & (h < i32(p.in_h));
      window[k] = select(0.0, x[select(0u, plane + u32(h) * p.in_w + u32(q), inside)], inside);
    }
    let out_plane = (n * p.groups * p.out_each + o) * p.out_h;
    var gradients: array<f32, ROWS>;
    // unroll
    for (var r = 0u; r < ROWS; r++) {
      let inside = row + r < p.out_h;
      gradients[r] = select(0.0, dy[select(0u, (out_plane + row + r) * p.out_w + col, inside)], inside);
    }
    // unroll
    for (var u = 0u; u < K_H; u++) {
      var part = 0.0;
      // unroll
      for (var r = 0u; r < ROWS; r++) {
        part += gradients[r] * window[r * S_H + u * D_H];
      }
      sums[u] += part;
    }
  }
  // column / kernel_w counts (o, c).
  let first = (group.y * LANES + lane) * p.part_size + (column / p.kernel_w) * K_H * p.kernel_w + v;
  for (var u = 0u; u < K_H; u++) {
    parts[first + u * p.kernel_w] = sums[u];
  }
}
