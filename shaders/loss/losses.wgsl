// Losses, each the mean of an element-wise function f over n elements. KIND, a constant of the loader, selects one:
//   BCE  f = max(a, 0) - a * t + log(1 + exp(-|a|)), the binary cross-entropy of sigmoid(a) against t in [0, 1]
//   L1   f = |a - t|
//   MSE  f = (a - t)^2
// t is a tensor b, or with ONE_TARGET one number for all. The forward computes f and the first stage of its sum
// together, as in reduce_sum.wgsl: each workgroup (64 invocations) reduces 4,096 neighbouring elements to one sum.
// reduce_sum.wgsl then adds these up and divides by n.
//
// Layout: a (the logits) and b (the target) hold n floats, y one per workgroup.

struct Params {
  n: u32,
  // Backward: 1 / n, or -1 / n for the gradient of b.
  factor: f32,
  // With ONE_TARGET (`target` is a reserved word).
  constant: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const BCE = 0u;
const L1 = 1u;
const BLOCK = 4096u;

var<workgroup> sums: array<f32, 64>;

// log(1 + e) drops the digits of a small e; two terms of its series keep them.
fn log1p(e: f32) -> f32 {
  return select(log(1.0 + e), e * (1.0 - 0.5 * e), e < 1e-3);
}

fn target_at(i: u32) -> f32 {
  if (ONE_TARGET) {
    return p.constant;
  }
  return b[i];
}

fn loss(v: f32, t: f32) -> f32 {
  if (KIND == BCE) {
    return max(v, 0.0) - v * t + log1p(exp(-abs(v)));
  }
  return select((v - t) * (v - t), abs(v - t), KIND == L1);
}

fn dloss(v: f32, t: f32) -> f32 {
  if (KIND == BCE) {
    // sigmoid(v) - t, but 1 / (1 + e) - t would lose all digits if both are near 1.
    let e = exp(-abs(v));
    let small = e / (1.0 + e);
    return select(small - t, (1.0 - t) - small, v >= 0.0);
  }
  return select(2.0 * (v - t), sign(v - t), KIND == L1);
}

// The last row of a folded grid may have workgroups without a block.
@compute @workgroup_size(64)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let block = group.x + group.y * groups.x;
  let end = min(block * BLOCK + BLOCK, p.n);
  var sum = 0.0;
  for (var i = block * BLOCK + t; i < end; i += 64u) {
    sum += loss(a[i], target_at(i));
  }
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

// Gradients: dx = factor * dy[0] * f'. Invocations stride through n elements.

@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    dx[i] = p.factor * dy[0] * dloss(a[i], target_at(i));
  }
}
