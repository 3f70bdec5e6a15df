// ELU: y = x where x > 0, alpha * (exp(x) - 1) elsewhere. Near 0, where exp(x) - 1 would cancel, uses the Taylor series
// to x^7.
// Source: Clevert, Unterthiner & Hochreiter 2015, "Fast and Accurate Deep Network Learning by Exponential Linear
// Units".

fn f(x: f32, alpha: f32) -> f32 {
  let series = 1.0 + x * (1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 + x / 5040.0)))));
  let below = select(exp(x) - 1.0, x * series, x > -0.5);
  return select(x, alpha * below, x <= 0.0);
}

fn dx(x: f32, dy: f32, alpha: f32) -> f32 {
  return select(dy, dy * alpha * exp(x), x <= 0.0);
}

fn dxx(x: f32, dy: f32, dd: f32, alpha: f32) -> f32 {
  return select(0.0, dd * dy * alpha * exp(x), x <= 0.0);
}
