// The epilogue of conv_gemm.wgsl and conv_matrix.wgsl for a weight gradient that also computes the bias gradient. The
// rows of `a` are the gradients of an output channel, and the sum of a row is the gradient of its bias. Appended after
// gemm_operands.wgsl.

// Writes the sum of row m at `i`.
fn finish(i: u32, m: u32, product: u32, sum: f32) {
  result[i] = sum;
}

// Writes the sums of the rows that an invocation has loaded. Only the workgroups of the first columns do.
fn finish_rows(t: u32, work: Work, rows: ptr<function, RowSums>) {
  if (work.col0 == 0u) {
    // unroll
    for (var e = 0u; e < A_QUADS; e++) {
      let m = work.row0 + a_row(t, e);
      if ((a_row(t, e) < BM) & (m < p.rows)) {
        row_sums[(work.split * QUADS + a_quad(t)) * p.rows + m] = dot((*rows)[e], vec4f(1.0));
      }
    }
  }
}
