// Negation: y = -x.

fn f(x: f32) -> f32 {
  return -x;
}

fn dx(dy: f32) -> f32 {
  return -dy;
}
