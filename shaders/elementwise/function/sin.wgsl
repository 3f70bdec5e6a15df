// Sine of an angle in radians.

fn f(x: f32) -> f32 {
  return sine(x);
}

fn dx(x: f32, dy: f32) -> f32 {
  return dy * cosine(x);
}

fn dxx(y: f32, dy: f32, dd: f32) -> f32 {
  return -dd * dy * y;
}
