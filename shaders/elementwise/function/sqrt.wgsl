// Square root.

fn f(x: f32) -> f32 {
  return sqrt(x);
}

fn dx(y: f32, dy: f32) -> f32 {
  return dy / (2.0 * y);
}

fn dxx(y: f32, dy: f32, dd: f32) -> f32 {
  return -dd * dy / (4.0 * y) / y / y;
}
