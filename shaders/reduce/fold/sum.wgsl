// Sum.

fn start() -> f32 {
  return 0.0;
}

fn step(sum: f32, v: f32) -> f32 {
  return sum + v;
}

fn join(a: f32, b: f32) -> f32 {
  return a + b;
}
