// Sum: y = a + b. The gradient passes to both as it is. Also how the tape adds up gradients that meet at one tensor.

fn f(a: T, b: T) -> T {
  return a + b;
}

fn da(dy: f32) -> f32 {
  return dy;
}

fn db(dy: f32) -> f32 {
  return dy;
}
