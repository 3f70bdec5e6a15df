// Losses, each the mean of an element-wise function f over n elements:
//   bce  f = max(x, 0) - x * t + log(1 + exp(-|x|)), the binary cross-entropy of sigmoid(x) against t in [0, 1];
//        t is one number for all (bce_constant) or a tensor (bce)
//   l1   f = |a - b|
//   mse  f = (a - b)^2; b is a tensor, or one number for all (mse_constant)
// The forward computes f and the first stage of its sum at once, as reduce_sum.wgsl does: each workgroup (64
// invocations) turns 4,096 neighbouring elements into one sum; reduce_sum adds up those and divides by n.
//
// Layout: a (x, the logits), b (the target) hold n floats, y one for each workgroup.

struct Params {
  n: u32,
  // Backward: 1 / n, or -1 / n for the gradient of b.
  factor: f32,
  // The target of bce_constant and mse_constant (`target` is a reserved word).
  constant: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const BLOCK = 4096u;

var<workgroup> sums: array<f32, 64>;

// The workgroup's number; every workgroup has a block, but the last row of a folded grid may have some to spare.
fn block_of(group: vec3u, groups: vec3u) -> u32 {
  return group.x + group.y * groups.x;
}

fn fold(t: u32, sum: f32, block: u32) {
  sums[t] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) {
      sums[t] += sums[t + half];
    }
  }
  if (t == 0u && block * BLOCK < p.n) {
    y[block] = sums[0];
  }
}

// log(1 + e) drops the digits of a small e; two terms of its series keep them.
fn log1p(e: f32) -> f32 {
  return select(log(1.0 + e), e * (1.0 - 0.5 * e), e < 1e-3);
}

fn bce_of(x: f32, t: f32) -> f32 {
  return max(x, 0.0) - x * t + log1p(exp(-abs(x)));
}

fn bce_gradient(x: f32, t: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e) - t;
}

@compute @workgroup_size(64)
fn bce(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let block = block_of(group, groups);
  let end = min(block * BLOCK + BLOCK, p.n);
  var sum = 0.0;
  for (var i = block * BLOCK + t; i < end; i += 64u) {
    sum += bce_of(a[i], b[i]);
  }
  fold(t, sum, block);
}

@compute @workgroup_size(64)
fn bce_constant(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let block = block_of(group, groups);
  let end = min(block * BLOCK + BLOCK, p.n);
  var sum = 0.0;
  for (var i = block * BLOCK + t; i < end; i += 64u) {
    sum += bce_of(a[i], p.constant);
  }
  fold(t, sum, block);
}

@compute @workgroup_size(64)
fn l1(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let block = block_of(group, groups);
  let end = min(block * BLOCK + BLOCK, p.n);
  var sum = 0.0;
  for (var i = block * BLOCK + t; i < end; i += 64u) {
    sum += abs(a[i] - b[i]);
  }
  fold(t, sum, block);
}

@compute @workgroup_size(64)
fn mse(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let block = block_of(group, groups);
  let end = min(block * BLOCK + BLOCK, p.n);
  var sum = 0.0;
  for (var i = block * BLOCK + t; i < end; i += 64u) {
    let d = a[i] - b[i];
    sum += d * d;
  }
  fold(t, sum, block);
}

@compute @workgroup_size(64)
fn mse_constant(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let block = block_of(group, groups);
  let end = min(block * BLOCK + BLOCK, p.n);
  var sum = 0.0;
  for (var i = block * BLOCK + t; i < end; i += 64u) {
    let d = a[i] - p.constant;
    sum += d * d;
  }
  fold(t, sum, block);
}

// Gradients: dx = factor * dy[0] * f'. Invocations stride through n elements.

@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn bce_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    dx[i] = p.factor * dy[0] * bce_gradient(a[i], b[i]);
  }
}

@compute @workgroup_size(LANES)
fn bce_constant_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    dx[i] = p.factor * dy[0] * bce_gradient(a[i], p.constant);
  }
}

@compute @workgroup_size(LANES)
fn l1_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    dx[i] = p.factor * dy[0] * sign(a[i] - b[i]);
  }
}

@compute @workgroup_size(LANES)
fn mse_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    dx[i] = p.factor * dy[0] * 2.0 * (a[i] - b[i]);
  }
}

@compute @workgroup_size(LANES)
fn mse_constant_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    dx[i] = p.factor * dy[0] * 2.0 * (a[i] - p.constant);
  }
}
