// Cosine of an angle in radians.

fn f(x: f32) -> f32 {
  return cosine(x);
}

fn dx(x: f32, dy: f32) -> f32 {
  return -dy * sine(x);
}

fn dxx(y: f32, dy: f32, dd: f32) -> f32 {
  return -dd * dy * y;
}
