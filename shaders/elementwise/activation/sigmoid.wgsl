// Logistic sigmoid: y = 1 / (1 + exp(-x)).

fn f(x: f32) -> f32 {
  return logistic(x);
}

fn dx(y: f32, dy: f32) -> f32 {
  return dy * y * (1.0 - y);
}

fn dxx(y: f32, dy: f32, dd: f32) -> f32 {
  return dd * dy * y * (1.0 - y) * (1.0 - 2.0 * y);
}
