// 2-D convolution as one matrix product ("implicit GEMM": the second matrix is never stored), for GPUs: forward,
// gradient of the input, gradient of the weight. gemm_operands.wgsl, which is appended, defines the operands and the
// result. conv_matrix.wgsl computes the same products in halves, on matrix units.
//
// Layout: that of gemm_operands.wgsl.
//
// Tiling: a workgroup of DOWN * ACROSS invocations computes a tile of BM = ROWS_EACH * DOWN rows and BN = 4 * C *
// ACROSS columns, in passes of BK = 4 * QUADS depth steps. An invocation has ROWS_EACH rows, DOWN apart, and C times
// four columns, ACROSS apart, so that neighbours read neighbouring vectors; 32 of them are 4 x 8. A vector in workgroup
// memory is four depth steps of one row or column, and one invocation loads and writes all of it. There are two such
// tiles of each operand (SIDES): while one is multiplied, the next one is loaded and written to the other, with one
// barrier per pass.
// With ROW_SUMS an invocation also adds up the rows of `a` that it loads. gemm_epilogue.wgsl, or gemm_row_sums.wgsl
// then, writes the results.
// Source: the tiling of Volkov & Demmel 2008, "Benchmarking GPUs to Tune Dense Linear Algebra".

const INVOCATIONS = DOWN * ACROSS;
const BM = ROWS_EACH * DOWN;
const BN = 4u * C * ACROSS;

// [side][quad][row / DOWN][row % DOWN], and columns likewise. Only the last index is variable in the loop: WebGPU
// checks every variable one at each access.
var<workgroup> a_tile: array<array<array<array<vec4f, DOWN>, ROWS_EACH>, QUADS>, SIDES>;
var<workgroup> b_tile: array<array<array<array<vec4f, ACROSS>, COLS_EACH>, QUADS>, SIDES>;

// Writes loaded vectors into tile `side` of the two.
fn put(t: u32, side: u32, brought: ptr<function, Brought>) {
  // unroll
  for (var e = 0u; e < A_QUADS; e++) {
    let row = a_row(t, e);
    // Narrow tiles have fewer vectors than invocations.
    if (BM * QUADS >= INVOCATIONS || row < BM) {
      a_tile[side][a_quad(t)][row / DOWN][row % DOWN] = (*brought).a[e];
    }
  }
  // unroll
  for (var e = 0u; e < B_QUADS; e++) {
    let col = b_col(t, e);
    b_tile[side][b_quad(t, e)][col / ACROSS][col % ACROSS] = (*brought).b[e];
  }
}

// The place of an invocation in its tile: its first row and its first column.
fn first_row(t: u32) -> u32 {
  return t / 32u / (ACROSS / 8u) * 4u + t % 32u / 8u;
}

fn first_col(t: u32) -> u32 {
  return t / 32u % (ACROSS / 8u) * 8u + t % 8u;
}

// The sums of one invocation: those of its row r and columns 4 * c to 4 * c + 3 are at r * C + c.
alias Sums = array<vec4f, ROWS_EACH * C>;

fn multiply(row: u32, col: u32, side: u32, sums: ptr<function, Sums>) {
  // unroll
  for (var q = 0u; q < QUADS; q++) {
    // unroll
    for (var c = 0u; c < C; c++) {
      var four: mat4x4f;
      // unroll
      for (var j = 0u; j < FOUR; j++) {
        four[j] = b_tile[side][q][4u * c + j][col];
      }
      // right[i]: four columns of depth step i.
      let right = transpose(four);
      // unroll
      for (var r = 0u; r < ROWS_EACH; r++) {
        let left = a_tile[side][q][r][row];
        var sum = (*sums)[r * C + c];
        sum += left.x * right[0];
        sum += left.y * right[1];
        sum += left.z * right[2];
        sum += left.w * right[3];
        (*sums)[r * C + c] = sum;
      }
    }
  }
}

// The first row and column of an invocation in its tile. Clamped here once, and not at every access.
fn own_row(t: u32) -> u32 {
  return min(first_row(t), DOWN - 1u);
}

fn own_col(t: u32) -> u32 {
  return min(first_col(t), ACROSS - 1u);
}

fn sum_up(work: Work, t: u32, sums: ptr<function, Sums>, rows: ptr<function, RowSums>) {
  let begin = work.split % p.picture_splits * p.share;
  let end = min(begin + p.share, p.depth);
  var known = place(t, work, work.split / p.picture_splits);
  let row = own_row(t);
  let col = own_col(t);
  var at = begin / 4u * 3u;
  var brought: Brought;
  if (AHEAD == 1u) {
    brought = fetch(t, &known, begin, at);
    put(t, 0u, &brought);
    workgroupBarrier();
  }
  for (var k = begin; k < end; k += SIDES * BK) {
    // unroll
    for (var side = 0u; side < SIDES; side++) {
      if (AHEAD == 1u) {
        add_rows(&brought, rows);
        at += 3u * QUADS;
        // Loads beyond the end, too: nothing multiplies that, and there is no branch.
        brought = fetch(t, &known, k + (side + 1u) * BK, at);
      } else {
        brought = fetch(t, &known, k + side * BK, at);
        add_rows(&brought, rows);
        put(t, side, &brought);
        workgroupBarrier();
        at += 3u * QUADS;
      }
      multiply(row, col, side, sums);
      if (AHEAD == 1u) {
        put(t, 1u - side, &brought);
      }
      workgroupBarrier();
    }
  }
}

@compute @workgroup_size(INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let work = work_of(group, groups);
  var sums: Sums;
  var rows: RowSums;
  sum_up(work, t, &sums, &rows);
  // unroll
  for (var j = 0u; j < COLS_EACH; j++) {
    let n = work.col0 + own_col(t) + j * ACROSS;
    let first = column_in_result(n, work);
    // unroll
    for (var r = 0u; r < ROWS_EACH; r++) {
      let m = work.row0 + own_row(t) + r * DOWN;
      if ((m < p.rows) & (n < p.cols)) {
        finish(first + m * p.result_row, m, work.product, sums[r * C + j / 4u][j % 4u]);
      }
    }
  }
  finish_rows(t, work, &rows);
}
