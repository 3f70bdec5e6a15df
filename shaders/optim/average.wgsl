// An exponential moving average, in place: a = a + rate * (x - a). With a rate of 1 it is a copy.
//
// Layout: flat arrays of n floats; step holds the rate of this run. Invocations stride through the elements.

struct Params {
  n: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> step: vec4f;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> a: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rate = step.x;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    a[i] = select(a[i] + rate * (x[i] - a[i]), x[i], rate == 1.0);
  }
}
