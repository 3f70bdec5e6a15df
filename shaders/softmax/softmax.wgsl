// Softmax of an element, of the largest value of its axis and the sum of exp(x - most) along it; and its gradient, of the
// result and the sum of dy * y along the axis. Functions of an element-wise operation, joined to exponential.wgsl.

fn f(x: f32, most: f32, total: f32) -> f32 {
  return exponential(x - most) / total;
}

fn back(y: f32, dy: f32, sum: f32) -> f32 {
  return y * (dy - sum);
}
