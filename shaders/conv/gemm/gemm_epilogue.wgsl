// The epilogue of conv_gemm.wgsl and conv_matrix.wgsl: bias and activation. Appended after gemm_operands.wgsl.

// Writes the sum of row m at `i`, with its epilogue: the bias, then the leaky ReLU, its gradient, or an addition.
fn finish(i: u32, m: u32, product: u32, sum: f32) {
  var value = sum;
  if (p.has_bias != 0u) {
    value += bias[p.bias_first + product * p.bias_each + m];
  }
  if (p.accumulate != 0u) {
    value += result[i];
  }
  if (p.besides != 0u) {
    let other = beside[i];
    result[i] = select(value + other, leaky_relu_gradient(other, value, p.slope), p.besides == 1u);
  } else {
    result[i] = leaky_relu(value, p.slope);
  }
}

fn finish_rows(t: u32, work: Work, rows: ptr<function, RowSums>) {}
