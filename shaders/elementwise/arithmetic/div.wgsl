// Quotient: y = a / b.

fn f(a: f32, b: f32) -> f32 {
  return a / b;
}

fn da(b: f32, dy: f32) -> f32 {
  return dy / b;
}

fn db(b: f32, y: f32, dy: f32) -> f32 {
  return -dy * (y / b);
}

fn dab(b: f32, dy: f32, dd: f32) -> f32 {
  return -dd * dy / b / b;
}

fn dbb(b: f32, y: f32, dy: f32, dd: f32) -> f32 {
  return 2.0 * dd * dy * (y / b) / b;
}
