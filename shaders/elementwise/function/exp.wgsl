// Exponential: y = e^x.

fn f(x: f32) -> f32 {
  return exponential(x);
}

fn dx(y: f32, dy: f32) -> f32 {
  return dy * y;
}

fn dxx(y: f32, dy: f32, dd: f32) -> f32 {
  return dd * dy * y;
}
