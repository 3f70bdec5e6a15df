// One step of plain stochastic gradient descent on a run of n weights, in place, in the order of torch.optim.SGD:
//   w = w - lr * (g + decay * w)
// sgd_momentum.wgsl has the same with momentum.
//
// Layout: flat arrays of n floats. The loop over them is in optimizer.wgsl, which the loader appends.

struct Params {
  n: u32,
  decay: f32,
}

// s: lr
fn update(i: u32, gradient: f32, s: vec4f) {
  let g = gradient + p.decay * w[i];
  w[i] -= s.x * g;
}
