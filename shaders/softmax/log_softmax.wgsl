// Logarithm of the softmax of an element, and its gradient from the result and the sum of dy along the axis; otherwise
// as softmax.wgsl.

fn f(x: f32, most: f32, total: f32) -> f32 {
  return (x - most) - logarithm(total);
}

fn back(y: f32, dy: f32, sum: f32) -> f32 {
  return dy - exponential(y) * sum;
}
