// Comparison: y = 1 where a <= b, 0 elsewhere. No gradient.

fn f(a: T, b: T) -> f32 {
  return select(0.0, 1.0, a <= b);
}
