// Sum of the squares of values; sum.wgsl adds up the results of its passes.

fn start() -> f32 {
  return 0.0;
}

fn step(sum: f32, v: f32) -> f32 {
  return sum + v * v;
}

fn join(a: f32, b: f32) -> f32 {
  return a + b;
}
