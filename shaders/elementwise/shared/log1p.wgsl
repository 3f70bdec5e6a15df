// log(1 + e) for e in [0, 1]. Keeps the digits of a small e, which 1 + e would drop: with s = e / (2 + e) it is
// 2 * (s + s^3 / 3 + s^5 / 5 + …), and s is at most 1/3.

fn log1p(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let q = s * s;
  let tail = q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0)))));
  return 2.0 * (s + s * tail);
}
