// Power: y = a^b. Whole exponents up to 64 are multiplied out, so that a square is exact and a negative base keeps its
// sign; other exponents use 2^(b * log2 |a|). As in PyTorch a^0 is 1 even for NaN, and a negative base with a
// fractional exponent gives NaN.

fn is_whole(b: f32) -> bool {
  return floor(b) == b;
}

fn power(a: f32, b: f32) -> f32 {
  if (is_whole(b) & (abs(b) <= 64.0)) {
    var y = 1.0;
    var factor = a;
    for (var n = u32(abs(b)); n > 0u; n >>= 1u) {
      y *= select(1.0, factor, (n & 1u) == 1u);
      factor *= factor;
    }
    return select(y, 1.0 / y, b < 0.0);
  }
  if (is_nan(a) | is_nan(b)) {
    return a + b;
  }
  if (a == 0.0) {
    return select(0.0, 1.0 / abs(a), b < 0.0);
  }
  let size = select(pow(abs(a), b), 1.0, (abs(a) == 1.0) & is_whole(b));
  let half = 0.5 * b;
  let signed_size = select(size, -size, is_whole(b) & !is_whole(half));
  var nan = 0x7fc00000u;
  return select(size, select(bitcast<f32>(nan), signed_size, is_whole(b) | (a < -3.4028234e38)), a < 0.0);
}

fn f(a: f32, b: f32) -> f32 {
  return power(a, b);
}

fn da(a: f32, b: f32, dy: f32) -> f32 {
  return select(dy * (b * power(a, b - 1.0)), 0.0, b == 0.0);
}

// The limit at a = 0, where the logarithm is infinite, is 0 for b >= 0.
fn db(a: f32, b: f32, y: f32, dy: f32) -> f32 {
  return select(dy * (y * logarithm(a)), 0.0, (a == 0.0) & (b >= 0.0));
}

fn daa(a: f32, b: f32, dy: f32, dd: f32) -> f32 {
  return select(dd * dy * (b * (b - 1.0) * power(a, b - 2.0)), 0.0, (b == 0.0) | (b == 1.0));
}

fn dab(a: f32, b: f32, dy: f32, dd: f32) -> f32 {
  let slope = power(a, b - 1.0);
  return dd * dy * select(slope + b * slope * logarithm(a), 0.0, (a == 0.0) & (b > 1.0));
}

fn dbb(a: f32, b: f32, y: f32, dy: f32, dd: f32) -> f32 {
  let l = logarithm(a);
  return select(dd * dy * (y * l * l), 0.0, (a == 0.0) & (b >= 0.0));
}
