// Sum of the squares of values; what its passes leave is added up by sum.wgsl.

fn start() -> f32 {
  return 0.0;
}

fn step(sum: f32, v: f32) -> f32 {
  return sum + v * v;
}

fn join(a: f32, b: f32) -> f32 {
  return a + b;
}
