// Multiplication by one number: y = factor * x. The gradient is the same: dx = factor * dy.
//
// Layout: two flat arrays of n floats. Invocations stride through the elements.

struct Params {
  n: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    y[i] = p.factor * x[i];
  }
}
