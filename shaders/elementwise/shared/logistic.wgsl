// The logistic sigmoid, 1 / (1 + exp(-x)). exp is only applied to -|x|, so that it cannot overflow: WGSL does not
// define 1 / infinity.

fn logistic(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}
