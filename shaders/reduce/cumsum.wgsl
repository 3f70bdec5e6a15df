// Cumulative sum along an axis: y[o, k, i] = sum over j <= k of x[o, j, i]; the gradient sums over j >= k.
//
// Layout: x and y (outer, length, inner). One invocation per (o, i), neighbours in `inner` side by side, walks along
// the axis.

struct Params {
  // outer * inner
  n: u32,
  length: u32,
  inner: u32,
  backwards: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let base = j / p.inner * p.length * p.inner + j % p.inner;
    var sum = 0.0;
    for (var k = 0u; k < p.length; k++) {
      let place = base + select(k, p.length - 1u - k, p.backwards == 1u) * p.inner;
      sum += x[place];
      y[place] = sum;
    }
  }
}
