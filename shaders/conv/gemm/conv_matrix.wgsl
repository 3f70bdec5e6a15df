// The products of conv_gemm.wgsl on the matrix units of a GPU ("tensor cores"): operands are rounded to halves, sums
// are floats. gemm_operands.wgsl defines the operands and the result. One of the files subgroup_matrix*.wgsl has the
// operations on matrices, in the spelling that the device supports. Both are appended.
//
// Layout: that of gemm_operands.wgsl. In workgroup memory a row of `a`, or a column of `b`, is LINE vectors of four
// halves, of which QUADS are its depth steps. The others keep neighbouring rows out of the same banks.
//
// Tiling: the unit multiplies matrices of M x K and K x N; a subgroup of SUBGROUP invocations holds one together. A
// workgroup of SUBGROUPS computes a tile of BM x BN, each subgroup MATRICES_DOWN x MATRICES_ACROSS products of M x N,
// in passes of BK = 4 * QUADS depth steps. There are two sides of each operand: while one is multiplied, the next one
// is loaded and written to the other, with one barrier per pass. Which invocation holds which element is undefined. So
// sums leave through `patches`, one matrix per subgroup: each invocation takes elements of one column from there, and
// applies the epilogue.
// With ROW_SUMS the loaded rows are also added up, before they are rounded, as in conv_gemm.wgsl.
// Source: the tiling of "Programming Tensor Cores in CUDA 9" (NVIDIA 2017) and of CUTLASS's WMMA kernels.

const SIDES = 2u;
const LINE = QUADS + 2u;
const BM = SUBGROUPS / SUBGROUPS_ACROSS * MATRICES_DOWN * M;
const BN = SUBGROUPS_ACROSS * MATRICES_ACROSS * N;
const INVOCATIONS = SUBGROUPS * SUBGROUP;
// Elements of a product that an invocation takes from a patch; they are ROWS_APART rows apart.
const EACH = M * N / SUBGROUP;
const ROWS_APART = SUBGROUP / N;

const A_SIDE = BM * LINE;
const B_SIDE = BN * LINE;
const A_VECTORS = SIDES * A_SIDE;
const B_VECTORS = SIDES * B_SIDE;
var<workgroup> patches: array<f32, SUBGROUPS * M * N>;

// Writes loaded vectors into side `side`, whose offset is the only part of an index that changes from pass to pass.
fn put(t: u32, side: u32, brought: ptr<function, Brought>) {
  // unroll
  for (var e = 0u; e < A_QUADS; e++) {
    let row = a_row(t, e);
    // Narrow tiles have fewer vectors than invocations.
    if (BM * QUADS >= INVOCATIONS || row < BM) {
      put_a(side * A_SIDE + (row * LINE + a_quad(t)), (*brought).a[e]);
    }
  }
  // unroll
  for (var e = 0u; e < B_QUADS; e++) {
    put_b(side * B_SIDE + (b_col(t, e) * LINE + b_quad(t, e)), (*brought).b[e]);
  }
}

// The first row and column of a subgroup in its tile.
fn first_row(subgroup: u32) -> u32 {
  return subgroup / SUBGROUPS_ACROSS * MATRICES_DOWN * M;
}

fn first_col(subgroup: u32) -> u32 {
  return subgroup % SUBGROUPS_ACROSS * MATRICES_ACROSS * N;
}

// The sums of one subgroup: the matrix in row i and column j of them at i * MATRICES_ACROSS + j.
alias Sums = array<Sum, MATRICES_DOWN * MATRICES_ACROSS>;

fn multiply(subgroup: u32, side: u32, sums: ptr<function, Sums>) {
  let a_from = side * A_SIDE + first_row(subgroup) * LINE;
  let b_from = side * B_SIDE + first_col(subgroup) * LINE;
  // unroll
  for (var s = 0u; s < STEPS; s++) {
    var lefts: array<Left, MATRICES_DOWN>;
    // unroll
    for (var i = 0u; i < MATRICES_DOWN; i++) {
      lefts[i] = left_at(a_from + i * M * LINE + s * (K / 4u));
    }
    // unroll
    for (var j = 0u; j < MATRICES_ACROSS; j++) {
      let right = right_at(b_from + j * N * LINE + s * (K / 4u));
      // unroll
      for (var i = 0u; i < MATRICES_DOWN; i++) {
        (*sums)[i * MATRICES_ACROSS + j] = multiply_add(lefts[i], right, (*sums)[i * MATRICES_ACROSS + j]);
      }
    }
  }
}

fn sum_up(work: Work, t: u32, subgroup: u32, sums: ptr<function, Sums>, rows: ptr<function, RowSums>) {
  let begin = work.split % p.picture_splits * p.share;
  let end = min(begin + p.share, p.depth);
  var known = place(t, work, work.split / p.picture_splits);
  var at = begin / 4u * 3u;
  var side = 0u;
  var brought = fetch(t, &known, begin, at);
  put(t, side, &brought);
  workgroupBarrier();
  for (var k = begin; k < end; k += BK) {
    add_rows(&brought, rows);
    at += 3u * QUADS;
    // Loads beyond the end, too: nothing multiplies that, and there is no branch.
    brought = fetch(t, &known, k + BK, at);
    multiply(subgroup, side, sums);
    side = 1u - side;
    put(t, side, &brought);
    workgroupBarrier();
  }
}

// In the patches, which hold product (i, j) of each subgroup: the first row, and the column, that an invocation takes.
fn patch_row(t: u32, i: u32) -> u32 {
  return first_row(t / SUBGROUP) + i * M + t % SUBGROUP / N;
}

fn patch_col(t: u32, j: u32) -> u32 {
  return first_col(t / SUBGROUP) + j * N + t % N;
}

@compute @workgroup_size(INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
  @builtin(subgroup_id) id: u32,
) {
  let work = work_of(group, groups);
  let subgroup = subgroup_of(t, id);
  let patch_at = t / SUBGROUP * M * N + t % SUBGROUP;
  var sums: Sums;
  var rows: RowSums;
  sum_up(work, t, subgroup, &sums, &rows);
  // unroll
  for (var j = 0u; j < MATRICES_ACROSS; j++) {
    let n = work.col0 + patch_col(t, j);
    let first = column_in_result(n, work);
    // unroll
    for (var i = 0u; i < MATRICES_DOWN; i++) {
      put_sum(sums[i * MATRICES_ACROSS + j], subgroup * M * N);
      workgroupBarrier();
      for (var e = 0u; e < EACH; e++) {
        let m = work.row0 + patch_row(t, i) + e * ROWS_APART;
        if ((m < p.rows) & (n < p.cols)) {
          finish(first + m * p.result_row, m, work.product, patches[patch_at + e * SUBGROUP]);
        }
      }
      workgroupBarrier();
    }
  }
  finish_rows(t, work, &rows);
}
