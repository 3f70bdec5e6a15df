// The operands and results of the products of conv_gemm.wgsl and conv_matrix.wgsl. Appended to either. `finish` and
// `finish_rows` of gemm_epilogue.wgsl or gemm_row_sums.wgsl write the sums.
//
//   result[m, n] = sum over k of a[m, k] * b[k, n]
//
//   forward          m: output channel, n: output position,  k: (input channel, u, v),   a: w,   b: x,   result: y
//   input gradient   m: input channel,  n: input position,   k: (output channel, u, v),  a: w,   b: dy,  result: dx
//   weight gradient  m: output channel, n: (channel, u, v),  k: output position,         a: dy,  b: x,   result: dw
//
// Any stride, padding and dilation, kernels of up to 15 x 15. Groups of channels are separate products in one dispatch.
// An address is the sum of a part from the column and a part from the depth step. Both are looked up, so nothing is
// divided or multiplied. A table has one entry for each column, or depth step, i:
//   offset of b, bits, offset of result (columns) or of a (depths); four entries are three vectors.
// Positions are those of one picture where that saves memory. Columns of later pictures, or parts of the depth, are
// then `b_picture`, `a_picture` and `result_picture` further on.
// b[k, n] is 0 (in the padding, or between the strides) if the bits of k and n have one in common; only with MASKED.
// `src/engine/ops/conv/algorithms/gemm/offset_tables.ts` makes the tables, and says what they hold for each direction.
//
// Layout: tensors are row-major (N, C, H, W); M = rows, N = cols, K = depth.
//
// Tiling: that of the kernel, which defines how many rows BM and columns BN of the result a workgroup computes, with
// how many INVOCATIONS. Each pass loads BK = 4 * QUADS depth steps of them, in vectors of four steps of one row or
// column. If there are too few tiles to fill a GPU, the depth is split among `splits` workgroups (split-K), and
// reduce_split_k.wgsl or deferred_sums.wgsl adds the parts up.
// Source: implicit GEMM as in Chetlur et al. 2014, "cuDNN: Efficient Primitives for Deep Learning"; precomputed offsets
// as in CUTLASS's implicit GEMM iterators and in Dukhan 2019, "The Indirect Convolution Algorithm".

struct Params {
  rows: u32,
  cols: u32,
  depth: u32,
  // a[m, k] is at a_first + m * a_row + offset of k; b and result likewise.
  a_first: u32,
  a_row: u32,
  b_first: u32,
  result_first: u32,
  result_row: u32,
  // The bias of row 0, if there is one.
  bias_first: u32,
  // Products, one per group, and the strides from one to the next.
  products: u32,
  a_each: u32,
  b_each: u32,
  result_each: u32,
  bias_each: u32,
  has_bias: u32,
  // 1 adds to the result.
  accumulate: u32,
  // Parts of the depth (split-K), those of one picture, the depth of a part (pairs of passes), and its elements in the
  // result.
  splits: u32,
  picture_splits: u32,
  share: u32,
  part_size: u32,
  // Columns of one picture, and the strides from one picture to the next.
  picture_cols: u32,
  a_picture: u32,
  b_picture: u32,
  result_picture: u32,
  // Slope of a final leaky ReLU; 1 for none.
  slope: f32,
  // The meaning of `beside`: 0 none; 1 the result of the leaky ReLU through which the sum is propagated; 2 an addend.
  besides: u32,
  // 0. CPU drivers treat it as a variable, and so do not unroll the loops that end there.
  zero: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
// `a` as vectors, if A_WIDE: four depth steps of a row are one vector. If not, any other buffer.
@group(0) @binding(2) var<storage, read> a_wide: array<vec4f>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> columns: array<u32>;
@group(0) @binding(6) var<storage, read> depths: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> result: array<f32>;
// As large as the result.
@group(0) @binding(8) var<storage, read> beside: array<f32>;
// [split][quad][row]: parts of the sums of rows.
@group(0) @binding(9) var<storage, read_write> row_sums: array<f32>;

const BK = 4u * QUADS;

// The vectors that an invocation loads: vector e of `a` is of row a_row(t, e), that of `b` of column b_col(t, e), one
// of B_COLS.
struct Brought {
  a: array<vec4f, A_QUADS>,
  b: array<vec4f, B_QUADS>,
}

fn a_row(t: u32, e: u32) -> u32 {
  return t / QUADS + e * (INVOCATIONS / QUADS);
}

fn a_quad(t: u32) -> u32 {
  return t % QUADS;
}

fn b_col(t: u32, e: u32) -> u32 {
  return t % BN + (e % B_COLS) * INVOCATIONS;
}

// The same for all invocations if each has its own columns.
fn b_quad(t: u32, e: u32) -> u32 {
  return select(t / BN, 0u, INVOCATIONS <= BN) + e * INVOCATIONS / BN;
}

// The index of a column's offset in the table; its bits are at + 4, its offset in the result at + 8.
fn col_entry(col: u32) -> u32 {
  return col / 4u * 12u + col % 4u;
}

// The work of a workgroup.
struct Work {
  row0: u32,
  col0: u32,
  split: u32,
  product: u32,
}

// What is constant over all passes for an invocation's rows and columns.
struct Place {
  a_at: array<u32, A_QUADS>,
  b_at: array<u32, B_COLS>,
  b_bits: array<u32, B_COLS>,
}

// `picture` is that of the depth.
fn place(t: u32, work: Work, picture: u32) -> Place {
  var known: Place;
  let a_first = p.a_first + work.product * p.a_each + picture * p.a_picture;
  // unroll
  for (var e = 0u; e < A_QUADS; e++) {
    known.a_at[e] = a_first + (work.row0 + a_row(t, e)) * p.a_row;
  }
  // unroll
  for (var e = 0u; e < B_COLS; e++) {
    let col = work.col0 + b_col(t, e);
    let n = col / p.picture_cols;
    let entry = col_entry(col - n * p.picture_cols);
    known.b_at[e] = p.b_first + work.product * p.b_each + (picture + n) * p.b_picture + columns[entry];
    known.b_bits[e] = columns[entry + 4u];
  }
  return known;
}

// Loads the values of the pass from depth step k0 on, whose first entry in the table is vector `at`. Rows and columns
// beyond the last may be anything: they are not stored.
fn fetch(t: u32, known: ptr<function, Place>, k0: u32, at: u32) -> Brought {
  var brought: Brought;
  // Steps beyond the last, which only the last pass has (TAIL), must be 0 in both operands, because 0 * NaN is NaN.
  let k = k0 + 4u * a_quad(t);
  let offsets = depths[at + 3u * a_quad(t) + 2u];
  // unroll
  for (var e = 0u; e < A_QUADS; e++) {
    let at_a = offsets + (*known).a_at[e];
    var quad: vec4f;
    if (A_WIDE == 1u) {
      quad = a_wide[at_a.x / 4u];
    } else {
      quad = vec4f(a[at_a.x], a[at_a.y], a[at_a.z], a[at_a.w]);
    }
    if (TAIL == 1u) {
      quad = select(vec4f(), quad, k + vec4u(0u, 1u, 2u, 3u) < vec4u(p.depth));
    }
    brought.a[e] = quad;
  }
  // unroll
  for (var e = 0u; e < B_QUADS; e++) {
    let entry = at + 3u * b_quad(t, e);
    let at_b = depths[entry] + (*known).b_at[e % B_COLS];
    var quad = vec4f(b[at_b.x], b[at_b.y], b[at_b.z], b[at_b.w]);
    if (MASKED == 1u) {
      quad = select(vec4f(), quad, (depths[entry + 1u] & vec4u((*known).b_bits[e % B_COLS])) == vec4u());
    }
    brought.b[e] = quad;
  }
  return brought;
}

// The sums of the rows that an invocation has loaded so far: rows as in Brought, one sum for each of four depth steps.
alias RowSums = array<vec4f, A_QUADS>;

fn add_rows(brought: ptr<function, Brought>, rows: ptr<function, RowSums>) {
  if (ROW_SUMS == 1u) {
    // unroll
    for (var e = 0u; e < A_QUADS; e++) {
      (*rows)[e] += (*brought).a[e];
    }
  }
}

fn work_of(group: vec3u, groups: vec3u) -> Work {
  let folded = group.z / p.splits;
  let col0 = (group.x + folded / p.products * groups.x) * BN;
  return Work(group.y * BM, col0, group.z % p.splits, folded % p.products);
}

// The offset of row 0 of column n in the result.
fn column_in_result(n: u32, work: Work) -> u32 {
  let picture = n / p.picture_cols;
  let entry = col_entry(n - picture * p.picture_cols) + 8u;
  let start = p.result_first + work.product * p.result_each + work.split * p.part_size;
  return start + picture * p.result_picture + columns[entry];
}
