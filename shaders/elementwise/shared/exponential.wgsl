// exp and log that return NaN for NaN, which some drivers treat as a number. log also returns NaN below 0, and keeps
// the digits of denormal numbers. NaN is detected by its bits: WGSL compilers may assume that floats are finite.

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

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
