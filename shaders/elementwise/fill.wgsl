// Sets every element to one value: y = value. Memory of temporaries is shared, so nothing starts at zero by itself.
//
// Layout: a flat array of n floats. Invocations stride through the elements.

struct Params {
  n: u32,
  value: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    y[i] = p.value;
  }
}
