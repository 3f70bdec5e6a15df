// One step of RMSprop on a run of n weights, in place, in the order of torch.optim.RMSprop:
//   g = g + decay * w
//   v = alpha * v + (1 - alpha) * g^2
//   w = w - lr * g / (sqrt(v) + eps)
// Source: Tieleman & Hinton 2012, "Lecture 6.5-rmsprop".
//
// Layout: flat arrays of n floats. The loop over them is in optimizer.wgsl, which the loader appends.

struct Params {
  n: u32,
  alpha: f32,
  // 1 - alpha, from float64.
  rest: f32,
  eps: f32,
  decay: f32,
}

@group(0) @binding(6) var<storage, read_write> v: array<f32>;

// s: lr
fn update(i: u32, gradient: f32, s: vec4f) {
  let g = gradient + p.decay * w[i];
  let second = p.alpha * v[i] + p.rest * g * g;
  v[i] = second;
  w[i] -= s.x * g / (sqrt(second) + p.eps);
}
