// The loop that every optimizer shares: one step on a run of n weights, in place. The optimizer's own text declares
// `struct Params` with n in it, and `fn update(i: u32, gradient: f32, s: vec4f)`, which moves weight i. `scaled` is for
// gradients of a loss that was multiplied by a scale: it divides by the scale, and does nothing if one of the step's
// gradients has overflowed (see loss_scale.wgsl).
//
// Layout: flat arrays of n floats; s holds values that the host computes for each step. Invocations stride through the
// elements.

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> step: vec4f;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> w: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let s = step;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    update(i, g[i], s);
  }
}

@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read> overflow: array<u32>;

@compute @workgroup_size(LANES)
fn scaled(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  if (overflow[0] != 0u) {
    return;
  }
  let s = step;
  let unscale = 1.0 / scale[0];
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    update(i, unscale * g[i], s);
  }
}
