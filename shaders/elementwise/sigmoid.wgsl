// Logistic sigmoid: y = 1 / (1 + exp(-x)).
//
// Layout: flat arrays of n floats. Invocations stride through the elements.
// exp only ever sees -|x|, so that it cannot overflow: WGSL does not promise what 1 / infinity is.

struct Params {
  n: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let v = x[i];
    let e = exp(-abs(v));
    y[i] = select(e, 1.0, v >= 0.0) / (1.0 + e);
  }
}

@group(0) @binding(3) var<storage, read> result: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let s = result[i];
    dx[i] = dy[i] * s * (1.0 - s);
  }
}
