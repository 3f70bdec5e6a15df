// Sum of each channel over batch and plane: y[c] = sum over n, i of x[n, c, i]. The gradient of a convolution's bias.
// `behind_leaky_relu` also propagates the gradient back through the convolution's final leaky ReLU, in the same pass.
//
// Layout: x (N, C, plane), partials (C, slices, LANES).
//
// Tiling: uses no barrier, which costs a CPU driver more than the sum. The LANES invocations of workgroup (s, c) each
// sum a stride of slice s of channel c (channels that do not fit one dimension continue in z); deferred_sums.wgsl adds
// up their sums for a channel. The order is fixed, and the error grows with the length of a stride.

struct Params {
  batch: u32,
  channels: u32,
  plane: u32,
  // Values of a plane that one workgroup takes, and how many such slices there are.
  slice: u32,
  slices: u32,
  // Slope of the leaky ReLU.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(LANES)
fn strides(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let channel = group.y + group.z * groups.y;
  if (channel >= p.channels) {
    return;
  }
  let end = min(group.x * p.slice + p.slice, p.plane);
  var sum = 0.0;
  for (var n = 0u; n < p.batch; n++) {
    let base = (n * p.channels + channel) * p.plane;
    var part = 0.0;
    for (var i = group.x * p.slice + lane; i < end; i += LANES) {
      part += x[base + i];
    }
    sum += part;
  }
  partials[(channel * p.slices + group.x) * LANES + lane] = sum;
}

@group(0) @binding(3) var<storage, read> result: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn behind_leaky_relu(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let channel = group.y + group.z * groups.y;
  if (channel >= p.channels) {
    return;
  }
  let end = min(group.x * p.slice + p.slice, p.plane);
  var sum = 0.0;
  for (var n = 0u; n < p.batch; n++) {
    let base = (n * p.channels + channel) * p.plane;
    var part = 0.0;
    for (var i = group.x * p.slice + lane; i < end; i += LANES) {
      let before = leaky_relu_gradient(result[base + i], dy[base + i], p.slope);
      dx[base + i] = before;
      part += before;
    }
    sum += part;
  }
  partials[(channel * p.slices + group.x) * LANES + lane] = sum;
}
