// One step of Adam on a run of n weights, in place:
//   m = beta1 * m + (1 - beta1) * g
//   v = beta2 * v + (1 - beta2) * g^2
//   w = w - rate * m / (sqrt(v) * correction + eps)
// with rate = lr / (1 - beta1^t) and correction = 1 / sqrt(1 - beta2^t), which the host computes in float64 and writes
// before each run. The order of operations is that of torch.optim.Adam.
// DECAY, a constant of the loader: 1 adds decay * w to the gradient (Adam with weight_decay), 2 shrinks the weight by
// 1 - lr * decay first (AdamW), 0 does neither.
// Sources: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization"; Loshchilov & Hutter 2019, "Decoupled Weight
// Decay Regularization".
//
// Layout: flat arrays of n floats. The loop over them is in optimizer.wgsl, which the loader appends.

struct Params {
  n: u32,
  beta1: f32,
  beta2: f32,
  // 1 - beta1 and 1 - beta2, from float64: 1 - 0.999 in float32 is off by 5e-5 of itself.
  rest1: f32,
  rest2: f32,
  eps: f32,
  decay: f32,
}

@group(0) @binding(6) var<storage, read_write> m: array<f32>;
@group(0) @binding(7) var<storage, read_write> v: array<f32>;

// s: rate, correction, 1 - lr * decay
fn update(i: u32, gradient: f32, s: vec4f) {
  var g = gradient;
  if (DECAY == 1u) {
    g += p.decay * w[i];
  }
  let first = p.beta1 * m[i] + p.rest1 * g;
  let second = p.beta2 * v[i] + p.rest2 * g * g;
  m[i] = first;
  v[i] = second;
  if (DECAY == 2u) {
    w[i] *= s.z;
  }
  w[i] -= s.x * first / (sqrt(second) * s.y + p.eps);
}
