// GELU: y = x * P(x), where P is the normal distribution: (1 + erf(x / sqrt(2))) / 2.
// Source: Hendrycks & Gimpel 2016, "Gaussian Error Linear Units".

const ROOT_HALF = 0.7071067811865476;
const ROOT_TWO_PI = 2.5066282746310002;

// erf to 1.2e-7: below 1 a polynomial in x^2, above it 1 - exp(-x^2) * a polynomial in 1 / (1 + x / 2), both fitted for
// the smallest maximum relative error.
fn erf(x: f32) -> f32 {
  let q = x * x;
  let near = x * (1.1283791 + q * (-0.37612626 + q * (0.11283585 + q * (-0.02685381 + q * (0.0051883277
    + q * (-0.0008010192 + q * 0.00007853856))))));
  let t = 1.0 / (1.0 + 0.5 * abs(x));
  let tail = exp(-q) * (-0.0001319338 + t * (0.2845775 + t * (0.2618297 + t * (0.3402655 + t * (-0.08784687
    + t * (0.5436684 + t * (-0.4577864 + t * 0.1154505)))))));
  return select(select(1.0 - tail, tail - 1.0, x < 0.0), near, abs(x) < 1.0);
}

fn normal(x: f32) -> f32 {
  return 0.5 * (1.0 + erf(ROOT_HALF * x));
}

fn density(x: f32) -> f32 {
  return exp(-0.5 * x * x) / ROOT_TWO_PI;
}

fn f(x: f32) -> f32 {
  return x * normal(x);
}

fn dx(x: f32, dy: f32) -> f32 {
  return dy * (normal(x) + x * density(x));
}

fn dxx(x: f32, dy: f32, dd: f32) -> f32 {
  return dd * dy * (2.0 - x * x) * density(x);
}
