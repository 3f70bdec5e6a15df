// Dropout with inverted scaling: y = 0 with probability `rate`, x / (1 - rate) otherwise. The backward is the same
// kernel over dy: the mask depends only on (seed, step, layer, element), so it is recomputed instead of stored.
//
// Layout: flat arrays of n floats. One invocation for four elements a quarter of the array apart, so that neighbours
// read neighbouring addresses. Element i takes word i / quarter of the random block numbered i % quarter. `part` is for
// a part of an array of `all` floats, from element `first` on: one invocation per element, numbered from the start of
// the whole, so that the mask does not depend on how the array is cut up.
// philox.wgsl, which generates the random numbers, is appended.

struct Params {
  n: u32,
  layer: u32,
  // An element is dropped if its random word is below this: rate * 2^32.
  threshold: u32,
  // 1 / (1 - rate).
  factor: f32,
  all: u32,
  first: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
// seed lo, seed hi, step lo, step hi
@group(0) @binding(1) var<storage, read> key: vec4u;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let quarter = (p.n + 3u) / 4u;
  let k = key;
  for (var block = id.x; block < quarter; block += groups.x * LANES) {
    var random = philox(vec4u(block, p.layer, k.z, k.w), k.xy);
    var i = block;
    for (var j = 0u; j < 4u; j++) {
      if (i < p.n) {
        y[i] = select(x[i] * p.factor, 0.0, random.x < p.threshold);
      }
      random = random.yzww;
      i += quarter;
    }
  }
}

@compute @workgroup_size(LANES)
fn part(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let quarter = (p.all + 3u) / 4u;
  let k = key;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let element = p.first + i;
    let random = philox(vec4u(element % quarter, p.layer, k.z, k.w), k.xy);
    y[i] = select(x[i] * p.factor, 0.0, random[element / quarter] < p.threshold);
  }
}
