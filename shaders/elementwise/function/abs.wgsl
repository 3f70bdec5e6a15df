// Absolute value: y = |x|. The gradient at 0 is 0.

fn f(x: f32) -> f32 {
  return abs(x);
}

fn dx(x: f32, dy: f32) -> f32 {
  return dy * select(select(0.0, -1.0, x < 0.0), 1.0, x > 0.0);
}

fn dxx() -> f32 {
  return 0.0;
}
