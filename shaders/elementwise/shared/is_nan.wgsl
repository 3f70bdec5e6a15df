// Whether a float is NaN, by its bits: WGSL compilers may assume that floats are finite, and drop v != v.

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}
