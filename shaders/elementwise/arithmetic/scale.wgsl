// Multiplication by a number: y = factor * x.

fn f(x: f32, factor: f32) -> f32 {
  return factor * x;
}

fn dx(factor: f32, dy: f32) -> f32 {
  return factor * dy;
}
