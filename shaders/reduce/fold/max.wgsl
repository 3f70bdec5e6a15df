// The largest value, or NaN if there is one. elementwise/shared/is_nan.wgsl is appended.

fn start() -> f32 {
  var lowest = 0xff800000u;
  return bitcast<f32>(lowest);
}

fn step(most: f32, v: f32) -> f32 {
  return select(most, v, is_nan(v) | (!is_nan(most) & (v > most)));
}

fn join(a: f32, b: f32) -> f32 {
  return step(a, b);
}
