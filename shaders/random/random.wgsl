// Random numbers: normally distributed with NORMAL, a constant of the loader, else uniform in [0, 1).
// Uniform ones have the 24 upper bits of a random word. Normal ones come in pairs by Box and Muller's method, from 24
// bits for the logarithm and 24 for the angle; their absolute value is at most 5.8. philox.wgsl, exponential.wgsl
// with is_nan.wgsl, and trigonometry.wgsl are appended.
//
// Layout: a flat array of n floats. One invocation for four elements a quarter of the array apart, as in dropout.wgsl:
// element i comes from word i / quarter of the random block numbered i % quarter.
// Source: Box & Muller 1958, "A Note on the Generation of Random Normal Deviates".

struct Params {
  n: u32,
  layer: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
// seed lo, seed hi, step lo, step hi
@group(0) @binding(1) var<storage, read> key: vec4u;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// Multiples of 2^-24 in [0, 1).
fn uniform_of(word: u32) -> f32 {
  return f32(word >> 8u) * 5.9604644775390625e-8;
}

// Two normal numbers from two words.
fn normal_of(a: u32, b: u32) -> vec2f {
  // In (0, 1]: there is no logarithm of 0.
  let radius = sqrt(-2.0 * logarithm(1.0 - uniform_of(a)));
  let angle = 6.283185307179586 * uniform_of(b);
  return radius * vec2f(cosine(angle), sine(angle));
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let quarter = (p.n + 3u) / 4u;
  let k = key;
  for (var block = id.x; block < quarter; block += groups.x * LANES) {
    let words = philox(vec4u(block, p.layer, k.z, k.w), k.xy);
    var values = vec4f(uniform_of(words.x), uniform_of(words.y), uniform_of(words.z), uniform_of(words.w));
    if (NORMAL) {
      values = vec4f(normal_of(words.x, words.y), normal_of(words.z, words.w));
    }
    var i = block;
    for (var j = 0u; j < 4u; j++) {
      if (i < p.n) {
        y[i] = values.x;
      }
      values = values.yzww;
      i += quarter;
    }
  }
}
