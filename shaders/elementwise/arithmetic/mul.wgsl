// Product: y = a * b.

fn f(a: T, b: T) -> T {
  return a * b;
}

fn da(b: f32, dy: f32) -> f32 {
  return dy * b;
}

fn db(a: f32, dy: f32) -> f32 {
  return dy * a;
}

fn dab(dy: f32, dd: f32) -> f32 {
  return dy * dd;
}
