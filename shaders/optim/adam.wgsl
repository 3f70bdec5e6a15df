// One step of Adam on a run of n weights, in place:
//   m = beta1 * m + (1 - beta1) * g
//   v = beta2 * v + (1 - beta2) * g^2
//   w = w - rate * m / (sqrt(v) * correction + eps)
// with rate = lr / (1 - beta1^t) and correction = 1 / sqrt(1 - beta2^t), which the host works out in float64 and
// writes before each run. The order of operations is that of torch.optim.Adam.
// `scaled` is for gradients of a loss that was multiplied by a scale: it divides by that, and does nothing where one of
// the step's gradients has overflown (see loss_scale.wgsl).
// Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization".
//
// Layout: flat arrays of n floats. Invocations stride through the elements.

struct Params {
  n: u32,
  beta1: f32,
  beta2: f32,
  // 1 - beta1 and 1 - beta2, from float64: 1 - 0.999 in float32 is off by 5e-5 of itself.
  rest1: f32,
  rest2: f32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
// rate, correction
@group(0) @binding(1) var<storage, read> step: vec2f;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> m: array<f32>;
@group(0) @binding(5) var<storage, read_write> v: array<f32>;

// Moves weight i.
fn move_by(i: u32, gradient: f32, s: vec2f) {
  let first = p.beta1 * m[i] + p.rest1 * gradient;
  let second = p.beta2 * v[i] + p.rest2 * gradient * gradient;
  m[i] = first;
  v[i] = second;
  w[i] -= s.x * first / (sqrt(second) * s.y + p.eps);
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let s = step;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    move_by(i, g[i], s);
  }
}

@group(0) @binding(6) var<storage, read> scale: array<f32>;
@group(0) @binding(7) var<storage, read> overflow: array<u32>;

@compute @workgroup_size(LANES)
fn scaled(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  if (overflow[0] != 0u) {
    return;
  }
  let s = step;
  let unscale = 1.0 / scale[0];
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    move_by(i, unscale * g[i], s);
  }
}
