// The logistic sigmoid, 1 / (1 + exp(-x)). exp only ever sees -|x|, so that it cannot overflow: WGSL does not promise what
// 1 / infinity is.

fn logistic(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}
