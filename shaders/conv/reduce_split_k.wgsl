// Adds up the parts of a long sum that was split among workgroups: y[i] = sum over s of parts[s * n + i], in the order
// of s, so that the result does not depend on which workgroup finished first. Optionally adds the bias of the element's
// channel and applies a leaky ReLU; or combines the result with `beside`, as conv_gemm.wgsl does.
//
// Layout: parts (SPLITS, n), y (n), seen as (N, CHANNELS, PLANE) for the bias. Invocations stride through n elements.

struct Params {
  n: u32,
  splits: u32,
  channels: u32,
  plane: u32,
  has_bias: u32,
  // 1 for no leaky ReLU.
  slope: f32,
  // The meaning of `beside`: 0 none; 1 the result of the leaky ReLU through which the sum is propagated; 2 an addend.
  besides: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> beside: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    var sum = 0.0;
    for (var s = 0u; s < p.splits; s++) {
      sum += parts[s * p.n + i];
    }
    if (p.has_bias != 0u) {
      sum += bias[(i / p.plane) % p.channels];
    }
    if (p.besides == 1u) {
      y[i] = leaky_relu_gradient(beside[i], sum, p.slope);
    } else if (p.besides == 2u) {
      y[i] = sum + beside[i];
    } else {
      y[i] = leaky_relu(sum, p.slope);
    }
  }
}
