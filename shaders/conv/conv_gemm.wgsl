// 2-D convolution as one matrix product ("implicit GEMM": the second matrix is never written out), for GPUs: forward,
// gradient of the input, gradient of the weight. Any kernel, stride and padding.
//
// DIRECTION and result[row, col] = sum over the depth of a[row, depth] * b[depth, col]:
//   0 forward            y[o, (n, i, j)] = sum over (c, u, v) of w[o, (c, u, v)] * x[n, c, i * stride - pad + u, …]
//   1 input gradient     dx[c, (n, h, q)] = sum over (o, u, v) of w[o, (c, u, v)] * dy[n, o, (h + pad - u) / stride, …]
//   2 weight gradient    dw[o, (c, u, v)] = sum over (n, i, j) of dy[n, o, i, j] * x[n, c, i * stride - pad + u, …]
//
// Layout: x (N, C, H, W), w (O, C, K_H, K_W), dy and y (N, O, OH, OW), all row-major. `rows`, `cols` and `depth` are the
// sizes of the product [rows, cols] = [rows, depth] * [depth, cols].
//
// Tiling: a workgroup of DOWN * ACROSS invocations makes a tile of BM = 4 * R * DOWN rows and BN = 4 * C * ACROSS
// columns; each invocation has R * C blocks of 4 x 4 of it (ROWS_EACH by COLS_EACH sums) in registers. Per BK steps of
// depth the workgroup brings both operands into workgroup memory, so a value read once from memory is used BM or BN times
// from there, and a vector read from there 4 * R or 4 * C times. What the next steps need is on its way while these are
// multiplied. Neighbouring invocations read neighbouring addresses. Where the tiles are too few to fill a GPU, the depth
// is split among `splits` workgroups, whose parts conv_parts.wgsl adds up.
// What a depth stands for is found by dividing, so the sides of the kernel and the strides (K_H, K_W, S_H, S_W) are
// constants; 0 where the driver takes long to compile: then one kernel reads them from its parameters.
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
  // 1 adds to the result.
  accumulate: u32,
  // Parts that the depth is split into, the depth of one, and its elements in the result.
  splits: u32,
  share: u32,
  part_size: u32,
  // Leaky ReLU on the way out; 1 for none.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

const INVOCATIONS = DOWN * ACROSS;
const BM = 4u * R * DOWN;
const BN = 4u * C * ACROSS;
// Vectors in a row of each tile; one more than needed spreads the writes of `a` over the banks of workgroup memory.
const A_ROW = BM / 4u + 1u;
const B_ROW = BN / 4u;

var<workgroup> a_tile: array<vec4f, BK * A_ROW>;
var<workgroup> b_tile: array<vec4f, BK * B_ROW>;

fn kernel_w() -> u32 {
  return select(K_W, p.kernel_w, K_W == 0u);
}

fn taps() -> u32 {
  return select(K_H, p.kernel_h, K_H == 0u) * kernel_w();
}

fn stride() -> vec2u {
  return select(vec2u(S_H, S_W), vec2u(p.stride_h, p.stride_w), S_H == 0u);
}

struct Place {
  n: u32,
  row: u32,
  col: u32,
}

// Where position `i` of all pictures is; those of the input's side in its gradient, else of the output's.
fn place(i: u32) -> Place {
  let height = select(p.out_h, p.in_h, DIRECTION == 1u);
  let width = select(p.out_w, p.in_w, DIRECTION == 1u);
  let plane = i % (height * width);
  return Place(i / (height * width), plane / width, plane % width);
}

// What (channel, u, v) stands for.
struct Tap {
  channel: u32,
  u: u32,
  v: u32,
}

fn tap(i: u32) -> Tap {
  let rest = i % taps();
  return Tap(i / taps(), rest / kernel_w(), rest % kernel_w());
}

// x under output position `at` and this tap; 0 in the padding.
fn input_at(at: Place, t: Tap) -> f32 {
  let h = i32(at.row * stride().x + t.u) - i32(p.pad_h);
  let q = i32(at.col * stride().y + t.v) - i32(p.pad_w);
  let inside = (h >= 0) & (h < i32(p.in_h)) & (q >= 0) & (q < i32(p.in_w));
  let i = ((at.n * p.in_c + t.channel) * p.in_h + u32(h)) * p.in_w + u32(q);
  return select(0.0, b[select(0u, i, inside)], inside);
}

// The output gradient that this tap brought input position `at` into; 0 where there is none.
fn gradient_at(at: Place, t: Tap) -> f32 {
  let h = at.row + p.pad_h - t.u;
  let q = at.col + p.pad_w - t.v;
  let row = h / stride().x;
  let col = q / stride().y;
  let inside = (at.row + p.pad_h >= t.u) & (at.col + p.pad_w >= t.v) & (row < p.out_h) & (col < p.out_w) &
    (row * stride().x == h) & (col * stride().y == q);
  let i = ((at.n * p.out_c + p.first + t.channel) * p.out_h + row) * p.out_w + col;
  return select(0.0, b[select(0u, i, inside)], inside);
}

// Where in `a` the first matrix has this row and depth; `at` is the place of the depth in the weight gradient.
fn a_index(row: u32, k: u32, at: Place) -> u32 {
  if (DIRECTION == 0u) {
    return row * p.depth + k;
  }
  if (DIRECTION == 1u) {
    return ((k / taps()) * p.in_c + row) * taps() + k % taps();
  }
  return ((at.n * p.out_c + p.first + row) * p.out_h + at.row) * p.out_w + at.col;
}

// What an invocation brings into the tiles per BK steps of depth: element e of `a` is of depth t % BK, and of `b` of
// column t % BN, or in the weight gradient, where memory runs along the depth, of depth t % BK too.
struct Brought {
  a: array<f32, A_EACH>,
  b: array<f32, B_EACH>,
}

fn a_row(t: u32, e: u32) -> u32 {
  return t / BK + e * (INVOCATIONS / BK);
}

fn b_depth(t: u32, e: u32) -> u32 {
  return select(t / BN + e * (INVOCATIONS / BN), t % BK, DIRECTION == 2u);
}

fn b_col(t: u32, e: u32) -> u32 {
  return select(t % BN, t / BK + e * (INVOCATIONS / BK), DIRECTION == 2u);
}

// `col_at`: the place of column t % BN.
fn fetch(t: u32, row0: u32, col0: u32, k0: u32, end: u32, col_at: Place) -> Brought {
  var brought: Brought;
  var at = col_at;
  if (DIRECTION == 2u) {
    at = place(k0 + t % BK);
  }
  // unroll
  for (var e = 0u; e < A_EACH; e++) {
    let row = row0 + a_row(t, e);
    let k = k0 + t % BK;
    let inside = (row < p.rows) & (k < end);
    brought.a[e] = select(0.0, a[select(0u, a_index(row, k, at), inside)], inside);
  }
  // unroll
  for (var e = 0u; e < B_EACH; e++) {
    let k = k0 + b_depth(t, e);
    let col = col0 + b_col(t, e);
    var value = 0.0;
    if ((k < end) & (col < p.cols)) {
      if (DIRECTION == 1u) {
        value = gradient_at(at, tap(k));
      } else {
        value = input_at(at, tap(select(k, col, DIRECTION == 2u)));
      }
    }
    brought.b[e] = value;
  }
  return brought;
}

// Single components of the vectors, no two invocations the same one.
fn put(t: u32, brought: Brought) {
  // unroll
  for (var e = 0u; e < A_EACH; e++) {
    let row = a_row(t, e);
    if (row < BM) {
      a_tile[(t % BK) * A_ROW + row / 4u][row % 4u] = brought.a[e];
    }
  }
  // unroll
  for (var e = 0u; e < B_EACH; e++) {
    let col = b_col(t, e);
    b_tile[b_depth(t, e) * B_ROW + col / 4u][col % 4u] = brought.b[e];
  }
}

// The sums of one invocation: of block (r, c) row i at (r * 4 + i) * C + c.
alias Sums = array<vec4f, ROWS_EACH * C>;

// The row and the column in the tile at which block r, or c, of invocation t begins.
fn block_row(t: u32, r: u32) -> u32 {
  return (r * DOWN + t / ACROSS) * 4u;
}

fn block_col(t: u32, c: u32) -> u32 {
  return (c * ACROSS + t % ACROSS) * 4u;
}

// Adds the product of both tiles to the sums of invocation t.
fn multiply(t: u32, sums: ptr<function, Sums>) {
  for (var k = 0u; k < BK; k++) {
    // unroll
    for (var c = 0u; c < C; c++) {
      let right = b_tile[k * B_ROW + block_col(t, c) / 4u];
      // unroll
      for (var r = 0u; r < R; r++) {
        let left = a_tile[k * A_ROW + block_row(t, r) / 4u];
        (*sums)[(r * 4u + 0u) * C + c] += left.x * right;
        (*sums)[(r * 4u + 1u) * C + c] += left.y * right;
        (*sums)[(r * 4u + 2u) * C + c] += left.z * right;
        (*sums)[(r * 4u + 3u) * C + c] += left.w * right;
      }
    }
  }
}

@compute @workgroup_size(INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let row0 = group.y * BM;
  let col0 = (group.x + (group.z / p.splits) * groups.x) * BN;
  let split = group.z % p.splits;
  let end = min((split + 1u) * p.share, p.depth);
  let at = place(col0 + t % BN);
  var sums: Sums;
  let begin = split * p.share;
  var brought: Brought;
  for (var k0 = begin; ; k0 += BK) {
    if (k0 < end) {
      brought = fetch(t, row0, col0, k0, end, at);
    }
    if (k0 > begin) {
      multiply(t, &sums);
      workgroupBarrier();
    }
    if (k0 >= end) {
      break;
    }
    put(t, brought);
    workgroupBarrier();
  }
  let channels = select(p.out_c, p.in_c, DIRECTION == 1u);
  let plane = select(p.out_h * p.out_w, p.in_h * p.in_w, DIRECTION == 1u);
  // unroll
  for (var j = 0u; j < COLS_EACH; j++) {
    let col = col0 + block_col(t, j / 4u) + j % 4u;
    // unroll
    for (var r = 0u; r < ROWS_EACH; r++) {
      let row = row0 + block_row(t, r / 4u) + r % 4u;
      if ((row < p.rows) & (col < p.cols)) {
        let channel = select(p.first + row, row, DIRECTION == 1u);
        var i = ((col / plane) * channels + channel) * plane + col % plane;
        if (DIRECTION == 2u) {
          i = row * p.cols + col;
        }
        i += split * p.part_size;
        var value = sums[r * C + j / 4u][j % 4u];
        if (p.has_bias != 0u) {
          value += bias[channel];
        }
        if (p.accumulate != 0u) {
          value += result[i];
        }
        result[i] = leaky_relu(value, p.slope);
      }
    }
  }
}
