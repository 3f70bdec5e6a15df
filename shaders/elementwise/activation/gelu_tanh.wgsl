// GELU with tanh for the error function: y = x / 2 * (1 + tanh(u)), u = sqrt(2 / pi) * (x + 0.044715 x^3). Since
// (1 + tanh(u)) / 2 = sigmoid(2u), computes x * sigmoid(2u), whose small values do not cancel.
// Source: Hendrycks & Gimpel 2016, "Gaussian Error Linear Units".

const TWICE = 1.5957691216057308; // 2 sqrt(2 / pi)
const CUBIC = 0.044715;

fn inner(x: f32) -> f32 {
  return TWICE * (x + CUBIC * x * x * x);
}

fn slope_of_inner(x: f32) -> f32 {
  return TWICE * (1.0 + 3.0 * CUBIC * x * x);
}

fn f(x: f32) -> f32 {
  return x * logistic(inner(x));
}

fn dx(x: f32, dy: f32) -> f32 {
  let s = logistic(inner(x));
  return dy * (s + x * s * (1.0 - s) * slope_of_inner(x));
}

fn dxx(x: f32, dy: f32, dd: f32) -> f32 {
  let s = logistic(inner(x));
  let d = slope_of_inner(x);
  let bend = TWICE * 6.0 * CUBIC * x;
  return dd * dy * s * (1.0 - s) * (2.0 * d + x * ((1.0 - 2.0 * s) * d * d + bend));
}
