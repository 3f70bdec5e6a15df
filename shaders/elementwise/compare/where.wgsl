// Choice: y = a where the condition is not 0, b elsewhere.

fn f(condition: f32, a: T, b: T) -> T {
  return select(b, a, condition != 0.0);
}

fn da(condition: f32, dy: f32) -> f32 {
  return select(0.0, dy, condition != 0.0);
}

fn db(condition: f32, dy: f32) -> f32 {
  return select(dy, 0.0, condition != 0.0);
}
