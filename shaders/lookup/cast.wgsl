// Converts numbers to another type: FROM and TO, inserted by the loader, are f32, u32 or i32. Floats are truncated
// towards 0. Values out of range become the nearest value of the type.
//
// Layout: flat arrays of n elements. Invocations stride through them.

struct Params {
  n: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<FROM>;
@group(0) @binding(2) var<storage, read_write> y: array<TO>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    y[i] = TO(x[i]);
  }
}
