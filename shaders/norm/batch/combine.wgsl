// Combines the results of a channel's slices, and moves the running statistics. Appended to batch_norm.wgsl and
// batch_norm_ranks.wgsl. Reads n, slice, count, per, momentum and moves of their Params, and `parts`, `running_mean` and
// `running_var`. Means are relative to the channel's pivot.

// The statistics of channel c, of its parts in order.
fn combined(c: u32) -> vec3f {
  var sum = vec3f();
  for (var s = 0u; s < p.count; s++) {
    let values = min(p.slice, p.n - s * p.slice);
    for (var t = 0u; t < p.per; t++) {
      sum = joined(sum, vec3f(f32((values + p.per - 1u - t) / p.per), parts[(c * p.count + s) * p.per + t]));
    }
  }
  return sum;
}

// Moves channel c's running statistics towards those of n values.
fn move_statistics(c: u32, pivot: f32, sum: vec3f, n: u32) {
  if (p.moves == 0u) {
    return;
  }
  let deviation = sum.z / sqrt(f32(n - 1u));
  running_mean[c] = (1.0 - p.momentum) * running_mean[c] + p.momentum * (pivot + sum.y);
  running_var[c] = (1.0 - p.momentum) * running_var[c] + p.momentum * (deviation * deviation);
}
