// The smallest value, or NaN if there is one. elementwise/shared/is_nan.wgsl is appended.

fn start() -> f32 {
  var highest = 0x7f800000u;
  return bitcast<f32>(highest);
}

fn step(least: f32, v: f32) -> f32 {
  return select(least, v, is_nan(v) | (!is_nan(least) & (v < least)));
}

fn join(a: f32, b: f32) -> f32 {
  return step(a, b);
}
