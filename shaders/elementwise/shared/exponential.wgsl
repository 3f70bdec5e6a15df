// exp and log that return NaN for NaN, which some drivers treat as a number. log also returns NaN below 0, and keeps
// the digits of denormal numbers. is_nan.wgsl is appended.

fn exponential(x: f32) -> f32 {
  return select(exp(x), x, is_nan(x));
}

fn logarithm(x: f32) -> f32 {
  // 2^24 times as much.
  let raised = x * 16777216.0;
  let l = select(log(x), log(raised) - 16.635532333438686, x < 1.2e-38);
  var infinity = 0xff800000u;
  var nan = 0x7fc00000u;
  return select(select(l, bitcast<f32>(infinity), raised == 0.0), bitcast<f32>(nan), is_nan(x) | (raised < 0.0));
}
