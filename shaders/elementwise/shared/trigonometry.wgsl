// sin and cos to the last digits of float32 for any x; WGSL promises only 2^-11, and only within +-pi.
//
// x is reduced to r in +-pi / 4 and a number of quarter turns. Up to 4096, pi / 2 is subtracted in three parts, the
// first two short enough for exact products. Beyond, x * 2 / pi is computed with as many bits of 2 / pi as float32 can
// reach: 96 bits from the first one that contributes less than whole turns. The Taylor series in r is exact to float32.
// Source: Cody & Waite 1980, "Software Manual for the Elementary Functions"; Payne & Hanek 1983, "Radian Reduction for
// Trigonometric Functions".

// Bits of 2 / pi after 32 zeros.
const TWO_OVER_PI = array<u32, 8>(
  0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu
);

struct Reduced {
  r: f32,
  quarters: u32,
}

// The high word of a 32 x 32 bit product.
fn high_word(a: u32, b: u32) -> u32 {
  let cross = (a & 0xffffu) * (b >> 16u);
  let middle = (a >> 16u) * (b & 0xffffu) + (cross & 0xffffu) + (((a & 0xffffu) * (b & 0xffffu)) >> 16u);
  return (a >> 16u) * (b >> 16u) + (cross >> 16u) + (middle >> 16u);
}

// The 32 bits of 2 / pi from bit `at` on, counted from 32 before its point.
fn bits_of_two_over_pi(at: u32) -> u32 {
  var table = TWO_OVER_PI;
  let word = at >> 5u;
  let shift = at & 31u;
  return (table[word] << shift) | select(0u, table[min(word + 1u, 7u)] >> (32u - max(shift, 1u)), shift > 0u);
}

fn reduce_far(x: f32) -> Reduced {
  let bits = bitcast<u32>(x) & 0x7fffffffu;
  let mantissa = (bits & 0x7fffffu) | 0x800000u;
  // x = mantissa * 2^(exponent - 150); bit 0 of the product below is worth two quarter turns.
  let at = (bits >> 23u) - 150u + 30u;
  let w0 = bits_of_two_over_pi(at);
  let w1 = bits_of_two_over_pi(at + 32u);
  let w2 = bits_of_two_over_pi(at + 64u);
  let carry = high_word(mantissa, w2);
  let middle = mantissa * w1 + carry;
  let top = mantissa * w0 + high_word(mantissa, w1) + select(0u, 1u, middle < carry);
  let fraction = (top << 2u) | (middle >> 30u);
  // As a signed number it is the remainder to the nearest quarter turn, in +-1/2.
  let r = f32(bitcast<i32>(fraction)) * (1.5707963267948966 / 4294967296.0);
  let quarters = (top >> 30u) + (fraction >> 31u);
  return Reduced(select(r, -r, x < 0.0), select(quarters, 0u - quarters, x < 0.0));
}

fn reduce_angle(x: f32) -> Reduced {
  if ((abs(x) > 4096.0) & (abs(x) < 3.4e38)) {
    return reduce_far(x);
  }
  // Infinity minus infinity is NaN, as it should be.
  let k = round(x * 0.6366197723675814);
  return Reduced(((x - k * 1.5703125) - k * 4.837512969970703e-4) - k * 7.549789954891882e-8, u32(i32(k)) & 3u);
}

fn sine_of(a: Reduced) -> f32 {
  let q = a.r * a.r;
  let sine = a.r * (1.0 - q * (1.0 / 6.0 - q * (1.0 / 120.0 - q * (1.0 / 5040.0 - q / 362880.0))));
  let cosine = 1.0 - q * (0.5 - q * (1.0 / 24.0 - q * (1.0 / 720.0 - q * (1.0 / 40320.0 - q / 3628800.0))));
  let v = select(sine, cosine, (a.quarters & 1u) == 1u);
  return select(v, -v, (a.quarters & 2u) == 2u);
}

fn sine(x: f32) -> f32 {
  return sine_of(reduce_angle(x));
}

fn cosine(x: f32) -> f32 {
  let a = reduce_angle(x);
  return sine_of(Reduced(a.r, a.quarters + 1u));
}
