// The smaller of two: y = min(a, b), NaN where either is. Equal operands get half the gradient each, as in PyTorch.

// a + b is NaN exactly where neither comparison holds.
fn f(a: T, b: T) -> T {
  return select(select(a + b, b, b < a), a, a <= b);
}

fn da(a: f32, b: f32, dy: f32) -> f32 {
  return select(select(dy, 0.5 * dy, a == b), 0.0, a > b);
}

fn db(a: f32, b: f32, dy: f32) -> f32 {
  return select(select(dy, 0.5 * dy, a == b), 0.0, b > a);
}

fn daa() -> f32 {
  return 0.0;
}

fn dab() -> f32 {
  return 0.0;
}

fn dbb() -> f32 {
  return 0.0;
}
