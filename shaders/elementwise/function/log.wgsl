// Natural logarithm: y = log(x).

fn f(x: f32) -> f32 {
  return logarithm(x);
}

fn dx(x: f32, dy: f32) -> f32 {
  return dy / x;
}

fn dxx(x: f32, dy: f32, dd: f32) -> f32 {
  return -dd * dy / x / x;
}
