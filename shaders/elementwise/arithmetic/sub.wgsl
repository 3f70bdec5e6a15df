// Difference: y = a - b.

fn f(a: T, b: T) -> T {
  return a - b;
}

fn da(dy: f32) -> f32 {
  return dy;
}

fn db(dy: f32) -> f32 {
  return -dy;
}
