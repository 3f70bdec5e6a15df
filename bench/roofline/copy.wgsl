// The ceiling of memory: y = x, element by element, by floats or by vectors of four.
//
// Layout: flat arrays of n elements. Workgroup g copies elements [g * slice, (g + 1) * slice), lane t of it t, t + LANES, …,
// so that neighbours are copied at the same time; a slice of LANES is one element for each invocation.

struct Params {
  n: u32,
  slice: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> x4: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y4: array<vec4f>;

@compute @workgroup_size(LANES)
fn floats(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = (group.x + group.y * groups.x) * p.slice;
  let end = min(start + p.slice, p.n);
  for (var i = start + t; i < end; i += LANES) {
    y[i] = x[i];
  }
}

@compute @workgroup_size(LANES)
fn vectors(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = (group.x + group.y * groups.x) * p.slice;
  let end = min(start + p.slice, p.n);
  for (var i = start + t; i < end; i += LANES) {
    y4[i] = x4[i];
  }
}
