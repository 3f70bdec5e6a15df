// 2-D convolution as one matrix product ("implicit GEMM": the second matrix is never written out), for GPUs: forward,
// gradient of the input, gradient of the weight. Any kernel, stride and padding.
//
//   forward           y[o, (n, i, j)]  = sum over k = (c, u, v) of w[o, k] * x[n, c, i * stride - pad + u, …]
//   input_gradient    dx[c, (n, h, q)] = sum over k = (o, u, v) of w[o, c, u, v] * dy[n, o, (h + pad - u) / stride, …]
//   weight_gradient   dw[o, (c, u, v)] = sum over k = (n, i, j) of dy[n, o, i, j] * x[n, c, i * stride - pad + u, …]
//
// Layout: x (N, C, H, W), w (O, C, KH, KW), dy and y (N, O, OH, OW), all row-major. `rows`, `cols` and `depth` are the
// sizes of the product [rows, cols] = [rows, depth] * [depth, cols].
//
// Tiling: a workgroup of 16 x 16 invocations makes a tile of 16 * TM rows and 64 columns; each invocation has TM rows
// and four columns of it in registers. Per 16 steps of depth the workgroup brings both operands into workgroup memory,
// so a value read once from memory is used 64 times from there. Neighbouring invocations read neighbouring addresses.
// Source: the tiling of Volkov & Demmel 2008, "Benchmarking GPUs to Tune Dense Linear Algebra"; implicit GEMM as in
// Chetlur et al. 2014, "cuDNN: Efficient Primitives for Deep Learning".

struct Params {
  rows: u32,
  cols: u32,
  depth: u32,
  in_c: u32,
  in_h: u32,
  in_w: u32,
  out_c: u32,
  out_h: u32,
  out_w: u32,
  kernel_h: u32,
  kernel_w: u32,
  stride_h: u32,
  stride_w: u32,
  pad_h: u32,
  pad_w: u32,
  // The output channel that the slice of w begins with: large weights come in slices.
  first: u32,
  has_bias: u32,
  // input_gradient: 1 adds to the result.
  accumulate: u32,
  // weight_gradient: depth that one workgroup sums over, and elements of one part.
  share: u32,
  part_size: u32,
  // forward: leaky ReLU on the way out; 1 for none.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> result: array<f32>;

const BM = 16u * TM;
const BN = 64u;
const BK = 16u;

var<workgroup> a_tile: array<f32, BK * BM>;
var<workgroup> b_tile: array<vec4f, BK * BN / 4u>;

struct Place {
  n: u32,
  row: u32,
  col: u32,
}

// Where column `i` of a picture-shaped side is.
fn place(i: u32, height: u32, width: u32) -> Place {
  let plane = i % (height * width);
  return Place(i / (height * width), plane / width, plane % width);
}

// What a depth of (channel, u, v) stands for.
struct Tap {
  channel: u32,
  u: u32,
  v: u32,
}

fn tap(k: u32) -> Tap {
  let taps = p.kernel_h * p.kernel_w;
  let rest = k % taps;
  return Tap(k / taps, rest / p.kernel_w, rest % p.kernel_w);
}

// x under output position `at` and this tap; 0 in the padding.
fn input_at(at: Place, t: Tap) -> f32 {
  let h = i32(at.row * p.stride_h + t.u) - i32(p.pad_h);
  let q = i32(at.col * p.stride_w + t.v) - i32(p.pad_w);
  let inside = (h >= 0) & (h < i32(p.in_h)) & (q >= 0) & (q < i32(p.in_w));
  let i = ((at.n * p.in_c + t.channel) * p.in_h + u32(h)) * p.in_w + u32(q);
  return select(0.0, x[select(0u, i, inside)], inside);
}

// The output gradient that this tap brought input position `at` into; 0 where there is none.
fn gradient_at(at: Place, t: Tap) -> f32 {
  let h = at.row + p.pad_h - t.u;
  let q = at.col + p.pad_w - t.v;
  let row = h / p.stride_h;
  let col = q / p.stride_w;
  let inside = (at.row + p.pad_h >= t.u) & (at.col + p.pad_w >= t.v) & (row < p.out_h) & (col < p.out_w) &
    (row * p.stride_h == h) & (col * p.stride_w == q);
  let i = ((at.n * p.out_c + p.first + t.channel) * p.out_h + row) * p.out_w + col;
  return select(0.0, dy[select(0u, i, inside)], inside);
}

fn put_b(k: u32, col: u32, value: f32) {
  b_tile[(k * BN + col) / 4u][col % 4u] = value;
}

// Adds the product of both tiles to this invocation's TM x 4 sums.
fn multiply(m: u32, n: u32, sums: ptr<function, array<vec4f, TM>>) {
  for (var k = 0u; k < BK; k++) {
    let b = b_tile[k * (BN / 4u) + n];
    for (var i = 0u; i < TM; i++) {
      (*sums)[i] += a_tile[k * BM + m * TM + i] * b;
    }
  }
}

@compute @workgroup_size(256)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let row0 = group.y * BM;
  let col0 = (group.x + group.z * groups.x) * BN;
  let at = place(col0 + t % BN, p.out_h, p.out_w);
  let real = col0 + t % BN < p.cols;
  var sums: array<vec4f, TM>;
  for (var k0 = 0u; k0 < p.depth; k0 += BK) {
    for (var i = t; i < BK * BM; i += 256u) {
      let m = row0 + i / BK;
      let k = k0 + i % BK;
      let inside = (m < p.rows) & (k < p.depth);
      a_tile[(i % BK) * BM + i / BK] = select(0.0, w[select(0u, m * p.depth + k, inside)], inside);
    }
    for (var i = t / BN; i < BK; i += 256u / BN) {
      var value = 0.0;
      if (real & (k0 + i < p.depth)) {
        value = input_at(at, tap(k0 + i));
      }
      put_b(i, t % BN, value);
    }
    workgroupBarrier();
    multiply(t / 16u, t % 16u, &sums);
    workgroupBarrier();
  }
  for (var i = 0u; i < TM; i++) {
    let o = row0 + (t / 16u) * TM + i;
    for (var j = 0u; j < 4u; j++) {
      let col = col0 + (t % 16u) * 4u + j;
      if ((o < p.rows) & (col < p.cols)) {
        let plane = p.out_h * p.out_w;
        var value = sums[i][j];
        if (p.has_bias != 0u) {
          value += bias[p.first + o];
        }
        value = select(p.slope * value, value, value > 0.0);
        result[((col / plane) * p.out_c + p.first + o) * plane + col % plane] = value;
      }
    }
  }
}

@compute @workgroup_size(256)
fn input_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let row0 = group.y * BM;
  let col0 = (group.x + group.z * groups.x) * BN;
  let at = place(col0 + t % BN, p.in_h, p.in_w);
  let real = col0 + t % BN < p.cols;
  let taps = p.kernel_h * p.kernel_w;
  var sums: array<vec4f, TM>;
  for (var k0 = 0u; k0 < p.depth; k0 += BK) {
    for (var i = t; i < BK * BM; i += 256u) {
      let m = row0 + i / BK;
      let k = k0 + i % BK;
      let inside = (m < p.rows) & (k < p.depth);
      let at_w = ((k / taps) * p.in_c + m) * taps + k % taps;
      a_tile[(i % BK) * BM + i / BK] = select(0.0, w[select(0u, at_w, inside)], inside);
    }
    for (var i = t / BN; i < BK; i += 256u / BN) {
      var value = 0.0;
      if (real & (k0 + i < p.depth)) {
        value = gradient_at(at, tap(k0 + i));
      }
      put_b(i, t % BN, value);
    }
    workgroupBarrier();
    multiply(t / 16u, t % 16u, &sums);
    workgroupBarrier();
  }
  for (var i = 0u; i < TM; i++) {
    let c = row0 + (t / 16u) * TM + i;
    for (var j = 0u; j < 4u; j++) {
      let col = col0 + (t % 16u) * 4u + j;
      if ((c < p.rows) & (col < p.cols)) {
        let plane = p.in_h * p.in_w;
        let i_result = ((col / plane) * p.in_c + c) * plane + col % plane;
        var value = sums[i][j];
        if (p.has_bias != 0u) {
          value += bias[c];
        }
        if (p.accumulate != 0u) {
          value += result[i_result];
        }
        result[i_result] = value;
      }
    }
  }
}

@compute @workgroup_size(256)
fn weight_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let row0 = group.y * BM;
  let col0 = group.x * BN;
  let plane = p.out_h * p.out_w;
  let end = min(group.z * p.share + p.share, p.depth);
  var sums: array<vec4f, TM>;
  for (var k0 = group.z * p.share; k0 < end; k0 += BK) {
    // One step of depth is one output position, the same for every element that this invocation brings.
    let k = k0 + t % BK;
    let at = place(k, p.out_h, p.out_w);
    for (var i = t / BK; i < BM; i += 256u / BK) {
      let o = row0 + i;
      let inside = (o < p.rows) & (k < end);
      let at_dy = (at.n * p.out_c + p.first + o) * plane + at.row * p.out_w + at.col;
      a_tile[(t % BK) * BM + i] = select(0.0, dy[select(0u, at_dy, inside)], inside);
    }
    for (var i = t / BK; i < BN; i += 256u / BK) {
      var value = 0.0;
      if ((k < end) & (col0 + i < p.cols)) {
        value = input_at(at, tap(col0 + i));
      }
      put_b(t % BK, i, value);
    }
    workgroupBarrier();
    multiply(t / 16u, t % 16u, &sums);
    workgroupBarrier();
  }
  for (var i = 0u; i < TM; i++) {
    let o = row0 + (t / 16u) * TM + i;
    for (var j = 0u; j < 4u; j++) {
      let col = col0 + (t % 16u) * 4u + j;
      if ((o < p.rows) & (col < p.cols)) {
        result[group.z * p.part_size + o * p.cols + col] = sums[i][j];
      }
    }
  }
}
