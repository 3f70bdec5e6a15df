// Sum of each channel over batch and plane: result[c] = sum over n, i of x[n, c, i]. The gradient of a convolution's bias.
//
// Layout: x (N, C, plane). One workgroup for each channel: every invocation sums a stride of it, then a tree adds the
// 64 parts; the order is fixed, and the error grows with the stride's length only.

struct Params {
  batch: u32,
  channels: u32,
  plane: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

var<workgroup> parts: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x;
  var sum = 0.0;
  for (var n = 0u; n < p.batch; n++) {
    let base = (n * p.channels + c) * p.plane;
    var partial = 0.0;
    for (var i = lane; i < p.plane; i += 64u) {
      partial += x[base + i];
    }
    sum += partial;
  }
  parts[lane] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (lane < half) {
      parts[lane] += parts[lane + half];
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    result[c] = parts[0];
  }
}
