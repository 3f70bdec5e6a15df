// SiLU, or Swish: y = x * sigmoid(x).
// Source: Hendrycks & Gimpel 2016, "Gaussian Error Linear Units"; Ramachandran, Zoph & Le 2017, "Searching for Activation
// Functions".

fn f(x: f32) -> f32 {
  return x * logistic(x);
}

fn dx(x: f32, dy: f32) -> f32 {
  let s = logistic(x);
  return dy * s * (1.0 + x * (1.0 - s));
}

fn dxx(x: f32, dy: f32, dd: f32) -> f32 {
  let s = logistic(x);
  return dd * dy * s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s));
}
