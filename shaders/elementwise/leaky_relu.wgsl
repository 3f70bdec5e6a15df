// Leaky ReLU: y = x where x > 0, slope * x elsewhere. With slope 0 it is the plain ReLU.
//
// Layout: flat arrays of n floats. Invocations stride through the elements.
// The backward looks at y: for a slope of at least 0, y > 0 exactly where x > 0, and y is kept anyway as the next
// operation's input, while x need not be.

struct Params {
  n: u32,
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let v = x[i];
    y[i] = select(p.slope * v, v, v > 0.0);
  }
}

@group(0) @binding(3) var<storage, read> result: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let g = dy[i];
    dx[i] = select(p.slope * g, g, result[i] > 0.0);
  }
}
