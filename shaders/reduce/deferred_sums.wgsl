// Many small sums of a step in one dispatch: the parts of weight gradients whose long sums were split among workgroups,
// of the gradients of biases, and gradients of one weight that come from several places.
//
//   result[i] = sum over the terms of (sum over s < count of values[first + i * step + s * stride])
//
// each in the order written, so that the result does not depend on which workgroup finished first. With `accumulate`,
// the previous value of `result` comes before the first term.
//
// Layout: values and results are anywhere in their buffers. `chunks` has five words per workgroup: the position of
// result 0, the range [from, to) of i, the range of terms. `terms` has four words each: first, step, stride, count.
//
// Tiling: workgroup k takes chunk k (chunks that do not fit one dimension continue in y); its invocations stride
// through the range.

struct Params {
  chunks: u32,
  // 1 adds to the result.
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> chunks: array<u32>;
@group(0) @binding(2) var<storage, read> terms: array<u32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let chunk = group.x + group.y * groups.x;
  if (chunk >= p.chunks) {
    return;
  }
  let first_result = chunks[5u * chunk];
  let to = chunks[5u * chunk + 2u];
  let first_term = chunks[5u * chunk + 3u];
  let end_term = chunks[5u * chunk + 4u];
  for (var i = chunks[5u * chunk + 1u] + lane; i < to; i += LANES) {
    var value = 0.0;
    if (p.accumulate != 0u) {
      value = result[first_result + i];
    }
    for (var t = first_term; t < end_term; t++) {
      var at = terms[4u * t] + i * terms[4u * t + 1u];
      let stride = terms[4u * t + 2u];
      let count = terms[4u * t + 3u];
      var sum = 0.0;
      for (var s = 0u; s < count; s++) {
        sum += values[at];
        at += stride;
      }
      value += sum;
    }
    result[first_result + i] = value;
  }
}
