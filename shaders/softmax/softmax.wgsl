// Softmax of an element, from the largest value of its axis and the sum of exp(x - most) along it; and its gradient,
// from the result and the sum of dy * y along the axis. Functions of an element-wise operation; exponential.wgsl and
// is_nan.wgsl are appended.

fn f(x: f32, most: f32, total: f32) -> f32 {
  return exponential(x - most) / total;
}

fn back(y: f32, dy: f32, sum: f32) -> f32 {
  return y * (dy - sum);
}
