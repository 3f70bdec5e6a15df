// One step of stochastic gradient descent with momentum on a run of n weights, in place, in the order of
// torch.optim.SGD:
//   g = g + decay * w
//   b = momentum * b + damping * g
//   w = w - lr * b, or with NESTEROV, a constant of the loader, w - lr * (g + momentum * b)
// Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".
//
// Layout: flat arrays of n floats. The loop over them is in optimizer.wgsl, which the loader appends.

struct Params {
  n: u32,
  momentum: f32,
  decay: f32,
}

@group(0) @binding(6) var<storage, read_write> b: array<f32>;

// s: lr, and 1 - dampening, which is 1 in the first step.
fn update(i: u32, gradient: f32, s: vec4f) {
  let g = gradient + p.decay * w[i];
  let moved = p.momentum * b[i] + s.y * g;
  b[i] = moved;
  if (NESTEROV) {
    w[i] -= s.x * (g + p.momentum * moved);
  } else {
    w[i] -= s.x * moved;
  }
}
