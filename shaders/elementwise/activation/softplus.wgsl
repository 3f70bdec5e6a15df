// Softplus: y = log(1 + exp(beta * x)) / beta, and x itself where beta * x is above the threshold.
// exp is only applied to -|beta * x|, and log1p keeps the digits of a small result.

fn f(x: f32, beta: f32, threshold: f32) -> f32 {
  let v = beta * x;
  return select((max(v, 0.0) + log1p(exp(-abs(v)))) / beta, x, v > threshold);
}

fn dx(x: f32, dy: f32, beta: f32, threshold: f32) -> f32 {
  return select(dy * logistic(beta * x), dy, beta * x > threshold);
}

fn dxx(x: f32, dy: f32, dd: f32, beta: f32, threshold: f32) -> f32 {
  let s = logistic(beta * x);
  return select(dd * dy * beta * s * (1.0 - s), 0.0, beta * x > threshold);
}
