// One over the square root.

fn f(x: f32) -> f32 {
  return 1.0 / sqrt(x);
}

fn dx(y: f32, dy: f32) -> f32 {
  return dy * (-0.5 * (y * y * y));
}

fn dxx(y: f32, dy: f32, dd: f32) -> f32 {
  return 0.75 * dd * dy * y * y * y * y * y;
}
