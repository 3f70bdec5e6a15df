// Adds up the parts of a long sum that was split among workgroups: y[i] = sum over s of parts[s * n + i], in the order
// of s, so that the result does not depend on who was done first.
//
// Layout: parts (SPLITS, n), y (n). Invocations stride through n elements.

struct Params {
  n: u32,
  splits: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    var sum = 0.0;
    for (var s = 0u; s < p.splits; s++) {
      sum += parts[s * p.n + i];
    }
    y[i] = sum;
  }
}
